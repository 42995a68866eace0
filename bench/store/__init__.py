"""Measurements of what is stored, through kills and outages.

In reading order:

- store: kills, outages, indexing, search and backups
- boards: the boards over a year of answers
- image_batches: a batch of images through kill -9
"""
