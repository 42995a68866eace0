"""Store rows of conversations, messages and turns.

In reading order:

- conversations: conversations
- messages: messages
- turns: turns
- folders: folders
"""
