"""Ask platforms that plugins provide.

In reading order:

- plugin_platform: a platform of the platforms file whose kind a plugin provides
- plugin_answer: read an answer of one, with the deadlines of the file
- pump: read the pieces of a plugin on a separate thread
"""
