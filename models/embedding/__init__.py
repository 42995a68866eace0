"""Embeddings and rankings by llama.cpp, on a context of their own.

In reading order:

- llama_embedder: load a model and compute a batch of texts
- embedding_engine: batch the texts of all requests
"""
