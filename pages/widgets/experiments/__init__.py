"""The page Experiments.

In reading order:

- words: names of metrics and guardrails, and their figures
- figures: the variants side by side, with intervals on one scale each
- growth: how the difference grew day by day
- form: what a new experiment compares, for whom, and how it is decided
- ending: stop an experiment, give B to more people, or promote it
"""
