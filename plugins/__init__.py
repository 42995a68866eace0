"""Plugins that the portal brings along. They import `core.plugins` alone of the portal, are found like others, and are off like others.

In reading order:

- pdf_export: export chats as PDF
- own_chats: tools with which the model searches and reads the person's own chats
"""
