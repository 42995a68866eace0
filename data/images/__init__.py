"""Decode images.

In reading order:

- reader: decode an image in a separate process
- worker: the program of that process
- labelled_set: read the labelled set
- labelled: its images and labels
"""
