"""Serve the portal: ./portal run and ./portal worker, inside the environment.

In reading order:

- serve: serve until stopped
- worker: run background jobs until stopped
- connections: count connections and close slow ones
- connection_limits: the limits
- body_writes: let streams write without a coroutine for each block
- gathered_writes: one call to the system for what a connection writes at once
- heap: keep the heap small over many short-lived threads
- log_files: write log lines to a file and standard error
"""
