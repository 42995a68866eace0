"""Vectors that are computed once and kept.

In reading order:

- embedding_cache: keep vectors of texts
- cached_embedding: a request of which some vectors are known
"""
