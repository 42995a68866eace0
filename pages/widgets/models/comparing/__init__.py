"""Comparisons of two files of a model.

In reading order:

- form: choose the files and the questions
- report: measured figures and votes
- ballot: vote without knowing the files
"""
