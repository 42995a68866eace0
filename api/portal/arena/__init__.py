"""Serve REST for the Arena and experiments.

In reading order:

- arena: matches, votes and the leaderboard
- experiments: start, read and end experiments
"""
