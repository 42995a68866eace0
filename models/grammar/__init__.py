"""Grammars, as answers follow them. Read by prompting/grammar.py.

In reading order:

- rules: a grammar as rules of steps
- stacks: follow a grammar character by character
- growth: refuse grammars that cost too much to follow
"""
