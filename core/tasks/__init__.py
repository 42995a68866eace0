"""Durable background jobs.

In reading order:

- records: a job and its states
- ports: the repository of jobs
- timing: when work is due that recurs by the calendar
- jobs: add, list, cancel and retry jobs
- leadership: decide which process does the periodic work of all replicas
- handlers: define how jobs of a kind run and report progress
- endings: store how a run ended
- worker: claim jobs and run them, on any server
"""
