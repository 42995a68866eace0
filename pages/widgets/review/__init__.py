"""Widgets of the review.

In reading order:

- accepted: keep an accepted answer for the replay gate
- review_case: one case
"""
