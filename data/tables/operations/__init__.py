"""Define the tables of the portal's own work: storage, background jobs and tasks, plugins.

In reading order:

- storage: keys, retention, index jobs
- tasks: background jobs
- workflows: tasks of people, and their runs
- plugins: admins' decisions about plugins
"""
