"""Proofs of identity besides the password.

In reading order:

- records: second factors, and people as a provider knows them
- ports: repositories
- totp: one-time codes by time (RFC 6238)
- outside_accounts: accounts of people whom a provider or directory knows
- single_sign_on: sign in through an OpenID Connect provider
- directory: sign in with a directory's password, and update accounts every hour
- second_factor: set up, ask for and remove a second factor
"""
