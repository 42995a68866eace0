"""Limits of documents, which their readers enforce and the refusals name."""

MAX_UNPACKED = 100_000_000
"""Most bytes that the parts which are read may have together, unpacked. Five million characters take about half of that."""
