"""Store rows of ratings and reviews.

In reading order:

- comparisons: answers side by side, and the votes on them
- feedback: ratings and reviews
"""
