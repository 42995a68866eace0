"""Batches: find the same phrases on many images, in a job.

In reading order:

- archives: read the images of a ZIP file
- batches: start, list and control batches
- batch_run: process the images of a batch
"""
