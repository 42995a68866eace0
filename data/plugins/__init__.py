"""Run the slow functions of plugins, each call in a separate process.

In reading order:

- process: run the worker, fairly by person
- worker: the program in that process
"""
