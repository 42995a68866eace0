"""Store rows of conversations, messages and turns.

In reading order:

- conversations: conversations
- memories: what models remember about people
- messages: messages
- turns: turns
- folders: folders
- instructions: instructions of people and groups
- summaries: summaries that models read in place of first turns
- answer_contexts: the context that the model read for an answer
- tool_steps: the tools that a model called for an answer
- follow_ups: questions that wait for an answer to end
"""
