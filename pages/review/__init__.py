"""The pages for reviewers: what people thought of the answers, and what becomes of it.

In reading order:

- cases: work on the cases of ratings
- review_progress: how the review gets on
- datasets: rated answers as files for training
"""
