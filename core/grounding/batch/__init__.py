"""Batches: the same phrases on many images, in a job.

In reading order:

- archives: images of a ZIP file
- batches: start batches, see and control them
- batch_run: work through a batch
"""
