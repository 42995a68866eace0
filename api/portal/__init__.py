"""The portal's own REST API by areas, one module per resource.

In reading order:

- shapes: the JSON that it takes and gives
- people: accounts, sessions and the audit log
- chat: conversations, messages and turns
- prompts: the library of prompts
- knowledge: files for questions
- grounding: boxes on images
- review: ratings and reviews
- notices: a person's notices
- search: search
- usage: what was used
- models: models
- operations: keeping the portal
- tasks: background jobs
"""
