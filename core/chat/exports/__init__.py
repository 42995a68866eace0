"""Export conversations.

In reading order:

- masked: mask personal data, if the policy says so
- message_images: read the images of messages
- exports: write conversations as Markdown, JSON and HTML
"""
