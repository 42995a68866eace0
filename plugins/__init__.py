"""Plugins that the portal brings along. Of the portal they import `core.plugins` only. Like all plugins, they are off at first.

In reading order:

- pdf_export: export chats as PDF
- own_chats: tools with which the model searches and reads the person's own chats
"""
