"""Serve the portal: ./portal run and ./portal worker, inside the environment.

In reading order:

- serve: serve until stopped
- worker: run background jobs until stopped
- connections: count connections and close slow ones
- connection_limits: the limits
- log_files: write log lines to a file and standard error
"""
