"""One interface to a model, wherever it runs.

In reading order:

- configuration: the YAML file of platforms and routes
- model_list: the models of a platform, as configured and as listed
- plugin: platforms that plugins provide
- remote: models on other servers
- local: a model in this process or in a child of it
- local_vectors: a model for embeddings or rankings, from texts to tokens to vectors
- prompts: what a model reads of a request, as tokens
- local_generation: one running answer, watched while it streams
- degeneration: notice answers that only repeat themselves
- prefetch: prepare a conversation's next prompt
"""
