"""One repository per kind of row, by areas; each implements its Protocol in core/<area>/ports.py within one transaction.

In reading order:

- people: accounts, sessions and the audit log
- identity: second factors
- access: limits
- chat: conversations, messages and turns
- sharing: links to snapshots of conversations
- knowledge: files for questions
- grounding: images and what was found on them
- privacy: policies for personal data
- programs: what programs store
- prompts: prompts and their versions
- notices: notices, and what browsers show of them
- plugins: what admins decided about plugins
- review: ratings and reviews
- platforms: the configuration of platforms
- inference: presets, access to models
- models: hot swaps
- usage: what was used
- operations: keeping the portal
- tasks: background jobs
"""
