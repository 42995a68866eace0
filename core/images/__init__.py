"""Images sent by people and programs.

In reading order:

- records: decoded images, and how their pixels map to the original
- ports: the reader of images
- formats: recognize an image by its content
- fitting: the image sizes that a vision model reads
- images: decode images for a person
"""
