"""Define the tables of ratings, review cases, votes and datasets.

In reading order:

- ratings: ratings and review cases
- votes: votes on two blind answers
- experiments: experiments
- datasets: datasets for training, and who agreed to be in them
"""
