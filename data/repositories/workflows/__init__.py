"""Store tasks and their runs.

In reading order:

- rows: tasks, runs and results as rows, and back
- workflows: tasks, their files, runs and results
"""
