"""The titles of conversations.

In reading order:

- titles: name a conversation after its first question
- written_titles: have the model write a title, as a background job
"""
