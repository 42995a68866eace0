"""Run the slow functions of plugins, each call in a separate process, and check their JSON schemas.

In reading order:

- process: run the worker, fairly by person
- worker: the program in that process
- json_schemas: check JSON schemas, and values against them
"""
