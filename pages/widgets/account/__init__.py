"""Parts of the Account page.

In reading order:

- security: change the password
- sessions: list and end own sessions
- api_keys: make, list, rename and revoke own API keys
- key_rows: rows and words of API keys, which the People page shows too
"""
