"""Store rows of ratings and reviews.

In reading order:

- feedback: ratings and reviews
"""
