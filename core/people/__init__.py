"""Accounts, sessions, rights and the audit.

In reading order:

- records: people, roles, sessions and API keys
- audit_records: audit events, and what filters them
- permissions: who may do what, by role and group
- ports: repositories and the password hasher
- accounts: add, change and disable people; change passwords
- names: mark full names that look like someone else's
- signing_in: signing in with a password
- sessions: open, look up and close sessions
- api_keys: make, find and revoke the keys of programs
- session_watch: end what runs for a session or key that ended elsewhere
- active_account: tell whether the account of a running answer is still active
- audit_events: record an audit event
- audit: list, search and export audit events
"""
