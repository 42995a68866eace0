"""Grammars that hold an answer.

In reading order:

- reader: parse a grammar in GBNF
- rules: a grammar as rules of steps
- stacks: follow a grammar character by character
- growth: refuse grammars that cost too much to follow
"""
