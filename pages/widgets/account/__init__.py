"""Parts of the Account page.

In reading order:

- security: change the password
- instructions: instructions of a person or a group
- browser_notices: notices in the browser
- training_consent: whether the user's chats may improve models
- second_factor: set up, confirm and turn off the user's second factor
- sessions: list and end the user's sessions
- api_keys: make, list, rename and revoke the user's API keys
- from_programs: addresses, model names and a snippet for programs
- key_rows: rows of API keys, also for the People page
- own_use: what the user used, and limits
- chat_import: import chats from another portal
"""
