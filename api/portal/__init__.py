"""Serve the portal's own REST API, by areas, with one module per resource.

In reading order:

- shapes: JSON bodies that several resources share
- download: send content that people stored
- people: accounts, sessions and the audit log
- chat: conversations, messages and turns
- prompts: the library of prompts
- knowledge: files that people attach to questions
- documents: collections of documents
- grounding: boxes on images
- review: ratings and reviews
- arena: votes on two blind answers
- notices: a person's notices
- search: full-text search
- usage: usage reports
- models: models
- operations: index, database, plugins and retention
- tasks: background jobs
- workflows: tasks of people, and their runs
"""
