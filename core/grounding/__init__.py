"""Grounding: find boxes for phrases on an image.

In reading order:

- geometry: map boxes between a model's answer, the upright original and its file
- records: boxes, images and runs
- boxes: clip boxes to an image, and compare two boxes
- ports: the repository of images and runs, and the drawer of boxes
- phrases: check the phrases that people search for
- box_json: boxes as JSON text
- answers: read boxes from the answer of a vision model
- exports: write runs as files
- finder: find boxes with cached results or a model
- ownership: restrict images and runs to their owner
- grounding: upload images, find boxes, list past runs
- corrections: correct boxes, and show corrections to reviewers
- batch: the same phrases on many images
- evaluation: measure how well a model finds known boxes
"""
