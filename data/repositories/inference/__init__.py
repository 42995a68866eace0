"""Store presets, access to models, and caches of results.

In reading order:

- embeddings: vectors of the embedding cache
- offers: presets, access rules, default models of groups
- results: answers of the result cache
"""
