"""Ask a question as a page does, in one call.

In reading order:

- asking: ask in an open conversation or a new one, or queue the question
- again: ask a rated question again after its fix
"""
