"""Serve REST for models.

In reading order:

- models: models
"""
