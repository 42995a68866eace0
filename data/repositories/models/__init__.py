"""Store what happens to models.

In reading order:

- swap_json: a swap as JSON
- swaps: hot swaps, their questions, change markers
"""
