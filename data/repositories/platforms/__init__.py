"""Store the configuration of platforms.

In reading order:

- versions: versions of the configuration
"""
