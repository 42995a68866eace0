"""Comparisons of two files of a model: what was measured, and which answers people prefer.

In reading order:

- records: a comparison, its questions and votes
- ports: what compares two files, and the repository
- questions: the built-in questions
- figures: figures and verdict of a comparison
- comparisons: start and read comparisons, and vote
"""
