"""Requests that run now, from their start to the generation row.

In reading order:

- answer: an answer of a chat model
- computed_vectors: vectors or a ranking
- counted: count a request against the limits of its person
- rows: make the generation row
"""
