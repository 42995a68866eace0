"""Evaluation: how well a model finds boxes on images whose boxes are known.

In reading order:

- records: labelled images, and the result of an evaluation
- ports: the labelled set and the stored results
- scores: compare what was found with what is there
- evaluations: evaluate a model in a job, and list the results
"""
