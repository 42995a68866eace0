"""Stand-ins for servers of models.

In reading order:

- model_server: a model server in each dialect
- detector_server: a detector for images
- text_detector: the detector of docs/examples that reads texts, in a separate process
- model_hub: a hub that models are downloaded from
"""
