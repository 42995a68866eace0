"""Ratings and the review queue.

In reading order:

- records: a rating, its answer and its review state
- ports: the repositories of feedback and comparisons
- side_by_side: ask several models the same question, and store the votes
- feedback: rate answers, list and review cases
- accepted_answers: store accepted answers as replay questions
"""
