"""Grounding: from an image and phrases to boxes.

In reading order:

- boxes: a box in pixels, and how much two of them share
- geometry: between what a model saw and the pixels of the image and its file
- answers: boxes in the answer of a vision model
"""
