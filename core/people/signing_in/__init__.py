"""Signing in with a password.

In reading order:

- sign_in: check a name and a password
- attempts: limit how often passwords may be tried
- devices: remember browsers that someone signed in with
- fair_pool: threads shared fairly between addresses, for password checks
"""
