"""Rank the passages of collections, in memory.

In reading order:

- packing: the words of a document's passages as bytes
- word_index: BM25 over the passages of one collection
- vector_index: similarity to the vectors of one collection
- index: keep collections in memory, within a limit
"""
