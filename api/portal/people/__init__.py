"""Serve REST for accounts, sessions and the audit log.

In reading order:

- sessions: sign in and out
- people: accounts
- keys: API keys
"""
