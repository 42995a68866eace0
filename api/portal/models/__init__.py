"""Serve REST for models.

In reading order:

- models: models
- platforms: platforms and routes
"""
