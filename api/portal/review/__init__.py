"""Serve REST for ratings and review cases.

In reading order:

- feedback: ratings
- rating_forms: what raters are asked after the thumb
- case_shapes: the JSON of review cases
- cases: find and change review cases
- guidelines: the guidelines for reviewers
- questions: the questions for reviewers
- judgements: what reviewers judged of cases
- progress: how the review gets on
- own_feedback: what became of a person's own ratings
- training_consent: whether a person's chats may improve models
- dataset_shapes: the JSON of datasets
- datasets: make datasets for training, and read their files
"""
