"""Plugins: installed packages that add to the portal, which an admin turns on for everyone or for groups.

In reading order:

- records: what plugins and the portal exchange, and what the portal stores about a plugin
- platform_records: the same for plugins that provide platforms
- hookspecs: the hooks, and the marker for functions that implement them
- ports: the repository of plugins, the process that runs their slow functions, and the checker of their JSON schemas
- loading: find installed plugins, import one, and list what it adds
- bounded_calls: call a function with a time limit
- offered_tool: call a tool that is on for a person
- offered_platform: open a platform of a plugin
- message_filters: let plugins change questions and answers
- registry: know the installed plugins, import those that are on, and record failures
- service: which plugins are on for whom; all that a plugin adds is called from here
"""
