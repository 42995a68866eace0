"""Platforms: the model servers that the portal may ask, and the routes that questions take to them.

In reading order:

- records: platforms, routes, versions of the configuration, and their state
- ports: the reader, the router and the repository of the configuration
- platforms_file: the configuration file, which is watched for changes
- service: apply, list and restore versions
- platform_monitor: show and test the platforms, and explain where a question goes
"""
