"""Loaded models as people see them.

In reading order:

- records: a model, how it is loaded, its state and memory
- ports: the pool of models
- service: load, unload and list models
"""
