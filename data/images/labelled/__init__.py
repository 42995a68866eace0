"""Images with known boxes, by which models are evaluated; labels.json holds the boxes.

In reading order:

- draw: draw the images
"""
