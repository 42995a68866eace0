"""The portal's own REST API, one module per resource.

In reading order:

- shapes: the JSON that it takes and gives
- sessions: sign in and out
- conversations: conversations, messages and turns
- turn_stream: the events of one turn
- folders: folders
- files: files for questions
- open_file: a download that survives the deletion of its file
- feedback: ratings and reviews
- search: search
- usage: usage reports
- models: models
- people: accounts
- index: the search index
- store: the database and its backups
- retention: retention rules and legal holds
- jobs: background jobs
"""
