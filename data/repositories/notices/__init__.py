"""Store notices.

In reading order:

- notices: notices, and what people's browsers show of them
"""
