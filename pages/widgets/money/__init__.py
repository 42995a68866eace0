"""Widgets of the Money board.

In reading order:

- board: draw costs and budgets
- energy: the electricity of local models
- forms: enter prices and budgets
"""
