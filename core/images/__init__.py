"""Images that people and programs send.

In reading order:

- records: decoded images, and how their pixels map to those of the original
- ports: the reader of images
- formats: recognize an image by its content
- fitting: the sizes that a vision model reads
- images: decode images for a person
"""
