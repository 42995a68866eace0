"""Export runs.

In reading order:

- exports: runs as JSON, COCO and CSV
- box_exports: export a person's runs as files
"""
