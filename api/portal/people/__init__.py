"""Serve REST for accounts, roles, groups, sessions and the audit log.

In reading order:

- sessions: sign in and out
- people: accounts and their rights
- roles: built-in and custom roles
- groups: groups, members and managers
- limits: limits and what is used of them
- keys: API keys
"""
