"""Widgets of hot swaps.

In reading order:

- swap_form: choose the successor of a model
- swap_view: one hot swap
- word_differences: mark the differences of two answers
- swap_questions: recent swaps, canary and replay questions
"""
