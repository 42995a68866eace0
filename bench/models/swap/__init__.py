"""Measure a hot swap under running chats: `./portal bench swap`.

In reading order:

- __main__: the measurement
"""
