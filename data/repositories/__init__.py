"""One repository per kind of row; each implements its Protocol in core/<area>/ports.py within one transaction.

In reading order:

- users: people
- sessions: sessions
- attempts: password tries
- devices: known devices
- audit: audit events
- conversations: conversations
- messages: messages
- turns: turns
- folders: folders
- files: files, their parts and attachments
- feedback: ratings and reviews
- generations: generation rows
- usage: add up usage per day, model and group
- usage_days: days that a report has read already
- usage_parts: usage by person and by source
- retention: retention rules, legal holds and what is due
- jobs: background jobs
"""
