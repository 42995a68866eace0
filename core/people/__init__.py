"""Accounts, sessions, rights and the audit.

In reading order:

- records: people, sessions and audit events
- permissions: who may do what, by role and group
- ports: repositories and the password hasher
- accounts: add, change and disable people; change passwords
- names: mark full names that look like somebody else's
- sign_in: check a name and a password
- attempts: limit how often passwords may be tried
- devices: remember browsers that somebody signed in with
- fair_pool: threads shared fairly between addresses, for password checks
- sessions: open, look up and close sessions
- api_keys: make, find and revoke the keys of programs
- session_watch: end what runs for a session or key that ended elsewhere
- audit_events: record an audit event
- audit: list, search and export audit events
"""
