"""Store rows of policies for personal data.

In reading order:

- policies: policies, by group
"""
