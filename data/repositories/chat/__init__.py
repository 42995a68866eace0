"""Store rows of conversations, messages and turns.

In reading order:

- conversations: conversations
- messages: messages
- turns: turns
- folders: folders
- instructions: instructions of people and groups
- answer_contexts: what an answer was given to read
"""
