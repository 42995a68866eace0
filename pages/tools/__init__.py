"""The pages of the Tools menu.

In reading order:

- documents: collections of documents that answers can cite
- prompts: reusable texts for the chat
- images: find objects in an image by phrase
"""
