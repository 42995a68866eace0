"""Decoding of images.

In reading order:

- reader: decode an image in a process of its own
- worker: the program of that process
"""
