"""Widgets of the Money board.

In reading order:

- board: draw costs and budgets
- forms: enter prices and budgets
"""
