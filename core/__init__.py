"""The domain of the portal, in standard library Python only.

In reading order:

- passwords: the rules for new passwords
- people: accounts, sessions, rights, sign-in and the audit log
- identity: second factors and other proofs of identity
- access: custom roles, groups and limits
- privacy: detect and mask personal data in questions and answers
- chat: conversations, folders and turns
- prompts: reusable texts with blanks for chats
- asking: ask a question as a page does, in one call
- sharing: read-only links to snapshots of conversations
- changes: what changed and when, for charts to mark
- inference: the one gateway to models
- models: the loaded models, their settings, swaps and reports
- comparing: comparisons of two files of a model
- arena: blind votes on two answers, and the leaderboard
- experiments: two models or presets for people who choose one, until figures decide
- transfers: bring model files to this server: downloads, uploads, imports
- platforms: model servers, and the routing of questions to them
- knowledge: files that people attach
- documents: collections of documents, and finding the passages that answer a question
- images: decoding, resizing and mapping images
- grounding: boxes for phrases on images
- programs: data that programs store: responses to continue, files and batches
- review: ratings and the review queue
- usage: usage reports
- search: search over conversations, feedback and the audit log
- workflows: tasks of people, whose steps they approve
- tasks: durable background jobs
- notices: notices of events that a person has not seen
- plugins: packages that add to the portal
- operations: backups, retention, index care, logs, disk space
- unit_of_work: one transaction over all repositories
- errors: the errors that people may see, as templates with fields
- bounds: check that a number or a text is within its limits
- characters: recognize invisible and misleading characters
- clock: the type of the clock that services use
- file_sizes: read sizes of files that may disappear
- zip_files: read entries of untrusted ZIP files
- client_address: parse client addresses, and group them for limits
"""
