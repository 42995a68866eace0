"""Store rows of the Arena and of experiments.

In reading order:

- votes: the votes of the Arena, and counts of all votes
- experiments: experiments, and the figures of their variants
- other_votes: count votes on answers side by side, and on two files of a model
"""
