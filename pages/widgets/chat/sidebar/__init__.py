"""The sidebar of the chat.

In reading order:

- sidebar: search, folders and chats
- conversation_list: the rows of the sidebar
- dialogs: ask before deleting, choose where to move
- export_dialog: download chats in a chosen format
"""
