"""The pages of the menu with the user's name, and the sign-in before it.

In reading order:

- sign_in: sign in
- account: language, password, API keys, own groups, keyboard, signing out
- memory: facts that models remember about the user
- my_feedback: what became of a person's own ratings
"""
