"""The Arena and the leaderboard.

In reading order:

- words: readable names of what questions are about
- match: the question, its two answers, and the vote
- board: the leaderboard and the one-against-one matrix
"""
