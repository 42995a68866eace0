"""Describe tables for people and models.

In reading order:

- values: turn values of the database into cells
- profile: columns, types, missing values, range and examples
- text: the first rows as text
"""
