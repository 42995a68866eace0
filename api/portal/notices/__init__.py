"""Serve notices over REST.

In reading order:

- notices: list notices, mark them as read, choose what browsers show
"""
