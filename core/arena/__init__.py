"""Blind votes on two answers, and the leaderboard of models and presets that all votes give.

In reading order:

- records: contenders, votes and matches
- ports: the repository of votes
- bradley_terry: estimate strengths from who beat whom
- standings: ranks, the one-against-one matrix, the next pair and the verdict
- leaderboard: read and export the standings
- matches: ask two contenders the same question, blind, and take the vote
"""
