"""Store comparisons and hot swaps of models.

In reading order:

- comparisons: comparisons of model files, and votes
- swap_json: a swap as JSON
- swaps: hot swaps, their questions, change markers
"""
