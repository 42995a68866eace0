"""Rollups: usage by day and hour, which outlives chats and generation rows and is quick to read.

In reading order:

- sketches: quantiles of many values, mergeable, within one percent
- records: a day's sums by model, platform, group and source
- days: add up the generation rows of a day
- ports: the repository of rollups
- service: the job that keeps the rollups up to date
"""
