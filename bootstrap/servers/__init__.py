"""Servers: what each runs, and how user servers reach the admin servers.

In reading order:

- profiles: choose the pages and routes of a server
- service_keys: read the keys between user servers and the admin server
- remote: connect a user server to the admin servers
"""
