"""Store rows of images and the boxes found on them.

In reading order:

- grounding: images, runs, corrections and results
- batches: many images with the same phrases
- evaluations: how well models find known boxes
"""
