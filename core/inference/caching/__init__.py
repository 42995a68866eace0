"""Cache vectors and answers, so that they are computed once.

In reading order:

- embedding_cache: cache the vectors of texts
- cached_embedding: answer a request of which some vectors are cached
- records: a cached answer
- results: which answers may be cached, and under which key
- replayed: record an answer while it streams, and replay a cached one
- result_cache: cache the answers to deterministic requests
"""
