"""Grounding: from an image and phrases to boxes.

In reading order:

- geometry: between a model's answer, the upright original and its file
- records: boxes, images and runs
- boxes: cut boxes at an image, and compare two
- ports: the repository of images and runs, and what draws boxes
- phrases: check what people ask to find
- box_json: boxes as text
- answers: boxes in the answer of a vision model
- exports: runs as JSON, COCO and CSV
- finder: find boxes by the kept results or a model
- ownership: images and runs for their owner alone
- grounding: upload images, find boxes, look back
- corrections: correct boxes, for reviewers to see
- box_exports: write own runs as files
- batch: the same phrases on many images
- evaluation: how well a model finds boxes that are known
"""
