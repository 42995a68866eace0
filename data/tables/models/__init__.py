"""Define the tables of models and platforms.

In reading order:

- serving: presets, access to models, default models of groups, hot swaps, comparisons of files
- platforms: versions of the platforms' configuration, and cached vectors and answers
"""
