"""Roles and groups: what decides, with the permissions of core/people, who may do what.

In reading order:

- roles: the built-in roles and those that admins make
- groups: members, managers, and what a group withholds
"""
