"""Durable background jobs.

In reading order:

- records: a job and its states
- ports: the repository of jobs
- jobs: add, list, cancel and retry jobs
- worker: claim jobs and run them, on any server
"""
