"""Vectors and answers that are computed once and kept.

In reading order:

- embedding_cache: keep vectors of texts
- cached_embedding: a request of which some vectors are known
- records: an answer that is kept
- results: which answers may be kept, and under which key
- replayed: kept answers that are given again
- result_cache: keep answers of deterministic requests
"""
