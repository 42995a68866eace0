"""The pages of the Tools menu.

In reading order:

- prompts: reusable texts for the chat
- images: find objects in an image by phrase
"""
