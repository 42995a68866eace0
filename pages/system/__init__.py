"""The pages of the System menu.

In reading order:

- people: manage accounts and groups
- access: permissions, custom roles, limits and privacy policies
- store: backups, search index, retention
- jobs: background jobs
- plugins: installed plugins and the groups that use them
- audit: audit events
- logs: lines of the log, and kinds of errors
"""
