"""Serve REST for ratings and reviews.

In reading order:

- feedback: ratings and reviews
"""
