"""Comparisons of two files of a model.

In reading order:

- form: choose the files and the questions
- report: what was measured, and the votes
- ballot: vote without knowing the names
"""
