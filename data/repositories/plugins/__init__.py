"""Store the state of plugins.

In reading order:

- plugins: admins' decisions about plugins, and the last failure of each
"""
