"""The domain: what the portal does, in standard library Python only.

In reading order:

- passwords: which passwords may be chosen
- people: accounts, sessions, rights, sign-in, audit
- identity: second factors and other proofs of identity
- access: custom roles, groups and limits
- privacy: personal data in what goes in and comes out
- chat: conversations, folders and turns
- prompts: texts with blanks to use again in chats
- asking: ask a question as a page does, in one call
- sharing: read-only links to snapshots of conversations
- inference: the one gateway to models
- models: loaded models as people see them
- comparing: comparisons of two files of a model
- transfers: bring model files to this server
- platforms: model servers and who takes which question
- knowledge: files that people attach
- images: decoding, resizing and mapping images
- grounding: boxes for phrases on images
- programs: what programs store: responses that later ones continue, files, batches
- review: ratings and the review queue
- usage: usage reports
- search: search over conversations, feedback and the audit
- tasks: durable background jobs
- notices: what happened while somebody was elsewhere
- plugins: packages that add to the portal
- operations: backups, retention, index care, logs, disk space
- unit_of_work: one transaction over all repositories
- errors: the errors that people may see, as templates with fields
- bounds: check that a number or a text is within its limits
- characters: tell visible, invisible and misleading characters apart
- clock: the clock that services are given
- zip_files: entries of ZIP files that strangers made
- client_address: a client's address, as limits count it
"""
