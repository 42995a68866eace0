"""Serve REST for background jobs.

In reading order:

- jobs: background jobs
"""
