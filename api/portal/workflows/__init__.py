"""Serve tasks of people.

In reading order:

- shapes: steps, tasks, runs and results as JSON
- tasks: tasks and their steps
- runs: runs, answers and results
- templates: tasks to run again, with blanks
- schedules: when templates run
"""
