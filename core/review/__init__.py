"""Ratings and the review queue.

In reading order:

- records: a rating, its answer and its review state
- ports: the repositories of feedback and comparisons
- cases: the cases that reviewers work on
- progress: how the review gets on
- judging: what reviewers judge by, and their judgements
- side_by_side: ask several models the same question, and store the votes
- rating_forms: define what raters are asked after the thumb
- names: hide the names of raters, and reveal them
- feedback: rate answers, list and review cases
- own_feedback: show people what became of their ratings
- training_consent: let people decide whether their chats improve models
- datasets: datasets for training, made from rated answers
- accepted_answers: store accepted answers as replay questions
"""
