"""Storage: the database and the search index that follows it.

In reading order:

- tables: the tables
- columns: column types that SQLite and PostgreSQL agree on
- connections: what connections wait for: idle ones, and their turn to write
- database: open SQLite or PostgreSQL
- transaction: reads, writes and index jobs of one transaction
- leadership: which replica does the periodic work, by an advisory lock
- limits: count limits outside the database
- unit_of_work: the repositories over one transaction
- repositories: one repository per kind of row
- migrations: revisions of the tables
- migrate: bring a database to the newest revision
- identity: identity providers and directories
- index: keep the search index up to date
- search: the search indexes
- bounded_process: run a program over an untrusted file in a separate process
- table_files: read and query tables in files
- documents: read PDF and Word documents
- images: decode images
- passages: rank the passages of collections
- plugins: run slow functions of plugins
- encryption: encryption at rest
- backup: backup and restore
- inspection: facts about a database, for the doctor and the Storage page
- own_patterns: search with an admin's own patterns by RE2
- passwords: hash passwords with argon2id
- mail: send mails by SMTP
- logs: send log lines to Elasticsearch, and read those in files
"""
