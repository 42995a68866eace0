"""Store rows of the Arena.

In reading order:

- votes: the votes of the Arena, and counts of all votes
- other_votes: count votes on answers side by side, and on two files of a model
"""
