"""One interface to a model, wherever it runs.

In reading order:

- local: a model in this process or in a child of it
- local_generation: one running answer, watched while it streams
- degeneration: notice answers that only repeat themselves
- prefetch: prepare a conversation's next prompt
"""
