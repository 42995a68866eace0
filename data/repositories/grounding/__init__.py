"""Repositories of images and what was found on them.

In reading order:

- grounding: images, runs, corrections and results
- batches: many images with the same phrases
- evaluations: how well models find what is known to be there
"""
