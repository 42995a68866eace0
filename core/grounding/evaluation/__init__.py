"""Evaluation: measure how well a model finds boxes on labelled images.

In reading order:

- records: labelled images, and the result of an evaluation
- ports: the labelled set and the stored results
- scores: compare found boxes with labelled ones
- evaluations: evaluate a model in a job, and list the results
"""
