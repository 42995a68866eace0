"""Store rows of background jobs.

In reading order:

- jobs: background jobs
"""
