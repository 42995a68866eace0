"""Roles, groups and limits: what decides, with the permissions of core/people, who may do what and how much.

In reading order:

- roles: the built-in roles and those that admins make
- groups: members, managers, and what a group withholds
- records: limits and what is used of them
- ports: what limits need from the database
- audit_digest: the hash of an audit event
- audit_chain: verify the chain of audit events
- limits: keep people, groups and keys within their limits
"""
