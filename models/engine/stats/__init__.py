"""Counters and histograms of the engine.

In reading order:

- histogram: count values in fixed ranges
- ledger: count what an engine did, on its decode thread
- metrics: the counts as metrics and reports read them
- gathered: the counts of all parts of an engine, as its metrics
"""
