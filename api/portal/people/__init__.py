"""Serve REST for accounts, roles, groups, sessions and the audit log.

In reading order:

- sessions: sign in and out
- oidc: sign in through a provider
- second_factor: the caller's second factor
- open_sessions: list and end the caller's sessions
- people: accounts and their rights
- roles: built-in and custom roles
- groups: groups, members and managers
- privacy: policies for personal data
- audit: the chain of audit events
- limits: limits and their use
- keys: API keys
"""
