"""Platforms: the model servers that the portal may ask, and who takes which question.

In reading order:

- records: platforms, routes, versions of the configuration, and what an admin sees of them
- ports: what reads, applies and stores the configuration
- platforms_file: the configuration as a file that is picked up while the portal runs
- service: apply, list and restore versions
- oversight: watch and test the platforms, and explain where a question goes
"""
