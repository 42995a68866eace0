"""Store what reviewers judge by, and their judgements.

In reading order:

- guidelines: versions of the guidelines for reviewers
- questions: versions of the questions for reviewers
- judgements: what reviewers judged of cases
- progress: the numbers of the review's progress
"""
