"""Plugins.

In reading order:

- plugins: what admins decided about plugins, and how each last failed
"""
