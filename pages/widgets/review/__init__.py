"""Widgets of the review.

In reading order:

- review_case: one case
"""
