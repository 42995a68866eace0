"""Define the tables of ratings, review cases and datasets.

In reading order:

- ratings: ratings and review cases
- datasets: datasets for training, and who agreed to be in them
"""
