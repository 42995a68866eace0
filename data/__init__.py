"""Storage: the database and the search index that follows it.

In reading order:

- tables: the tables
- columns: column types that SQLite and PostgreSQL agree on
- database: open SQLite or PostgreSQL
- transaction: reads, writes and index jobs of one transaction
- leadership: which replica does the periodic work, by an advisory lock
- limit_counters: the port for counting limits outside the database
- redis_counters: count limits in Redis
- unit_of_work: the repositories over one transaction
- repositories: one repository per kind of row
- migrations: revisions of the tables
- migrate: bring a database to the newest revision
- identity: identity providers and directories
- index: keep the search index up to date
- search: the search indexes
- bounded_process: run a program over an untrusted file in a separate process
- documents: read PDF and Word documents
- images: decode images
- plugins: run slow functions of plugins
- encryption: encryption at rest
- backup: backup and restore
- inspection: facts about a database, for the doctor and the Storage page
- own_patterns: search with an admin's own patterns by RE2
- passwords: hash passwords with argon2id
- log_shipping: send log lines to Elasticsearch
"""
