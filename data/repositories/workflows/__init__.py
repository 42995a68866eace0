"""Store tasks, their runs and templates.

In reading order:

- rows: tasks, runs and results as rows, and back
- workflows: tasks, their files, runs and results
- templates: templates of tasks
- schedules: when templates run
"""
