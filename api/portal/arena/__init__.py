"""Serve REST for the Arena.

In reading order:

- arena: matches, votes and the leaderboard
"""
