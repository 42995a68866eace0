"""Give images to a model that can see.

In reading order:

- projector: turn images into embeddings
- image_batch: fill llama_batch with embeddings
- image_slots: note where slots hold images
"""
