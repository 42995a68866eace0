"""Durable background jobs. In reading order:

records: a job and its states
ports: the repository of jobs, and what a running job may report
jobs: what people do with jobs (list, cancel, retry), and how services add them
worker: claims jobs and runs them, on any server
"""
