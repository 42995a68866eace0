"""What reviewers do with the rated answer.

In reading order:

- accepted: accept an answer for the replay gate
- correction: the answer as it should have been
- proposed: the outcome that like cases propose
- to_dataset: add a case to a dataset
- fixes: what may have fixed a case
"""
