"""The pages of the Tools menu.

In reading order:

- documents: collections of documents that answers can cite
- prompts: reusable texts for the chat
- tasks: what is to be done, as steps that are seen before they run
- images: find objects in an image by phrase
"""
