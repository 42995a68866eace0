"""Define the tables of the portal's own work: storage, background jobs, plugins.

In reading order:

- storage: keys, retention, index jobs
- tasks: background jobs
- plugins: admins' decisions about plugins
"""
