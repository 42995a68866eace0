"""A model in a separate process, which crashes alone.

In reading order:

- wire: messages between the portal and the process
- process: one life of the process
- supervised_process: start it, ask it, and start it again
- model: a chat model in a child, as the platform sees it
- embedder: a model for vectors in a child
- host: the main program of the child
- chat_host: its part for chat models
- vector_host: its part for vectors
"""
