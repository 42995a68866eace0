"""Images with known boxes, by which models are evaluated; labels.json says what is where.

In reading order:

- draw: draw them
"""
