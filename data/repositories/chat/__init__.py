"""Store rows of conversations, messages and turns.

In reading order:

- conversations: conversations
- memories: what models remember about people
- messages: messages
- turns: turns
- folders: folders
- instructions: instructions of people and groups
- summaries: what models read in place of first turns
- answer_contexts: what an answer was given to read
- follow_ups: questions that wait for an answer to end
"""
