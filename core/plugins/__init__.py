"""Plugins: installed packages that add to the portal, which an admin turns on for everyone or for groups.

In reading order:

- records: what a plugin hands over, and what the portal knows about a plugin
- hookspecs: the hooks, and the marker for functions that fulfil them
- ports: what is needed of the database, and of the process that runs a plugin's slow functions
- loading: find installed plugins, import one, and see what it adds
- bounded_calls: call a function with a time limit
- message_filters: let plugins change questions and answers
- service: which plugins are on for whom; everything that a plugin adds is asked for here
"""
