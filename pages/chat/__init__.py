"""The chat, and what leads into it.

In reading order:

- chat: ask and read
- search: search the user's chats
- shared: read a shared chat
"""
