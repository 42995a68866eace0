"""The YAML file of platforms.

In reading order:

- yaml_blocks: read YAML into blocks that know their lines
- reader: from blocks to platforms and routes
- form_text: change platforms and routes in the text
"""
