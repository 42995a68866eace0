"""Store rows of accounts, sessions and the audit log.

In reading order:

- users: people
- roles: custom roles
- groups: groups and their managers
- sessions: sessions
- proofs: proofs of identity that wait to become sessions
- api_keys: API keys
- attempts: password attempts
- devices: known devices
- audit: audit events
"""
