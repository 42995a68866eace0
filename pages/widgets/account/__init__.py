"""Parts of the Account page.

In reading order:

- security: change the password
- instructions: instructions of a person or a group
- browser_notices: what the browser shows of notices
- second_factor: set up, confirm and turn off the own second factor
- sessions: list and end own sessions
- api_keys: make, list, rename and revoke own API keys
- from_programs: what a program needs to use the portal
- key_rows: rows and words of API keys, which the People page shows too
- chat_import: import chats that another portal exported
"""
