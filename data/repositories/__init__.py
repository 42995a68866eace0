"""One repository per kind of row, by areas; each implements its Protocol in core/<area>/ports.py within one transaction.

In reading order:

- people: accounts, sessions and the audit log
- identity: second factors and outside identities
- access: limits
- chat: conversations, messages and turns
- sharing: links to snapshots of conversations
- knowledge: files for questions
- documents: collections, their documents and passages
- grounding: images, and the boxes found on them
- privacy: policies for personal data
- programs: responses, files and batches of programs
- prompts: prompts and their versions
- notices: notices, and what browsers show of them
- plugins: admins' decisions about plugins
- review: ratings and reviews
- arena: votes on two answers
- platforms: the configuration of platforms
- inference: presets, access to models
- models: hot swaps
- usage: generation rows and usage reports
- operations: retention rules and legal holds
- tasks: background jobs
- workflows: tasks of people, and their runs
"""
