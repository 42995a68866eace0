"""The pages for reviewers: what people thought of the answers, and what becomes of it.

In reading order:

- cases: work on the cases of ratings
- review_progress: how the review gets on
- arena: vote on two blind answers
- leaderboard: models and presets, ranked by votes
- experiments: two models or presets for those who choose one
- datasets: rated answers as files for training
"""
