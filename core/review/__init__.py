"""Ratings and the review queue.

In reading order:

- records: a rating, its answer and its review state
- ports: the repository of feedback
- feedback: rate answers, list and review cases
"""
