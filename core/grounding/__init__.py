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
- grounding: upload, find, correct and look back
- archives: images of a ZIP file
- batches: start many images, see and control them
- batch_run: work through a batch
- evaluation: how well a model finds boxes that are known
"""
