"""Proofs of identity besides the password.

In reading order:

- records: second factors and what a person needs to know of their own
- ports: repositories
- totp: one-time codes by time (RFC 6238)
- second_factor: set up, ask for and remove a second factor
"""
