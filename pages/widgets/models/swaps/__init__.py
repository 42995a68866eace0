"""Widgets of hot swaps.

In reading order:

- swap_form: choose the successor of a model
- swap_view: one hot swap
- word_differences: mark what two answers do not share
- swap_questions: swaps of late, canary and replay questions
"""
