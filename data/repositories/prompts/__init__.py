"""Store rows of prompts.

In reading order:

- prompts: prompts and their versions
"""
