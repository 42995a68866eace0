"""Serve REST for accounts, roles, groups, sessions and the audit log.

In reading order:

- sessions: sign in and out
- oidc: sign in through a provider
- second_factor: the own second factor
- open_sessions: list and end own sessions
- people: accounts and their rights
- roles: built-in and custom roles
- groups: groups, members and managers
- privacy: policies for personal data
- audit: the chain of audit events
- limits: limits and what is used of them
- keys: API keys
"""
