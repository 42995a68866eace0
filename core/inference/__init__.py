"""The one gateway to models, for chats and programs.

In reading order:

- requests: a request to a chat model and the events of its answer
- vectors: a request for embeddings or a ranking and its result
- records: the generation row, with tokens and timings
- ports: the router that finds a model
- gateway: check, route and record every request
"""
