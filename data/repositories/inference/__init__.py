"""Store presets, access to models, and caches of results.

In reading order:

- cached_rows: measure and trim a table of cached rows
- embeddings: vectors of the embedding cache
- offers: presets, access rules, default models of groups
- results: answers of the result cache
"""
