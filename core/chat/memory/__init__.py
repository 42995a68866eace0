"""What models remember about a person from chat to chat, as far as the person accepted it.

In reading order:

- records: a memory and its state
- ports: their repository
- facts: read what a model proposes, and tell what repeats a known fact
- service: accept, edit, delete and export memories, and switch them on
- recall: choose the memories that a prompt begins with
- proposals: have the model propose memories after a chat
"""
