"""Run the slow functions of plugins, each call in a process of its own.

In reading order:

- process: asks the worker, fairly by person
- worker: the program in that process
"""
