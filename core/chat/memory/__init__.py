"""Facts about a person that models remember from chat to chat, once the person has accepted them.

In reading order:

- records: a memory and its state
- ports: their repository
- facts: read the facts that a model proposes, and recognize known ones
- service: accept, edit, delete and export memories, and switch memory on or off
- recall: choose the memories that the model reads for an answer
- proposals: have the model propose memories after a chat
"""
