"""Serve REST for the library of prompts.

In reading order:

- prompts: prompts and their versions
"""
