"""Store rows of conversations, messages and turns.

In reading order:

- conversations: conversations
- messages: messages
- turns: turns
- folders: folders
- follow_ups: questions that wait for an answer to end
"""
