"""The pages of the menu with the user's name, and the sign-in before it.

In reading order:

- sign_in: sign in
- account: language, password, API keys, usage, own groups, keyboard, signing out
- memory: the account's tab with facts that models remember
- my_feedback: what became of a person's own ratings
- help: the guide for one's role
"""
