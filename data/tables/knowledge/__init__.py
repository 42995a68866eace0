"""Define the tables of files and images.

In reading order:

- files: files, and the messages that show them
- grounding: images, and the boxes found on them
"""
