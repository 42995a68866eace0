"""Share a chat, and show a shared chat.

In reading order:

- chat_head: the title of the open chat, and Share
- share_dialog: make, copy and revoke links
- snapshot: the messages of a shared chat
"""
