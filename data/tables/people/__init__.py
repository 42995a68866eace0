"""Define the tables of people: who they are, what they may do, and how they sign in.

In reading order:

- accounts: accounts, roles, groups, sessions, proofs, API keys, password attempts, devices and the audit log
- access: limits and their counters
- identity: second factors and outside identities
- privacy: policies for personal data
"""
