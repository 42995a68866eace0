"""Comparisons of two files of a model: measurements, and a blind vote on their answers.

In reading order:

- records: a comparison, its questions and votes
- ports: the comparer of two files, and the repository
- questions: the built-in questions
- metrics: compute the metrics and the verdict of a comparison
- comparisons: start and read comparisons, and vote
"""
