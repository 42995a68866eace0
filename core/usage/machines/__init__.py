"""The history of the machines: what each server measured of itself, its GPUs and its models.

In reading order:

- records: what is measured, and how measurements of a span of time are kept
- ports: who measures, and the repository of the history
- measuring: read everything once
- sampler: measure every ten seconds, and store minutes and hours
- history: read the history
"""
