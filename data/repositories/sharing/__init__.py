"""Repositories of shared conversations.

In reading order:

- shares: links and their snapshots
"""
