"""Serve REST for boxes on images.

In reading order:

- shapes: images, runs and boxes as JSON
- images: show and delete uploaded images
- batches: many images in a job
- ground: find boxes on an image, correct and export them
- evaluations: how well models find known boxes
"""
