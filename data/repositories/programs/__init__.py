"""What programs store.

In reading order:

- responses: stored responses
"""
