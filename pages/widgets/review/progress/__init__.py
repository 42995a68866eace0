"""Widgets of the page Review progress.

In reading order:

- summary: the sentence and the figures on top
- parts: open and closed by day, ages, reviewers, tags, agreement
"""
