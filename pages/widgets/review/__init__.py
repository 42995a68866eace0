"""Widgets of the Feedback page.

In reading order:

- accepted: accept an answer for the replay gate
- review_case: one review case
"""
