"""The page Experiments.

In reading order:

- words: names of metrics and guardrails, and their figures
- figures: the variants side by side, with intervals on one scale each
- form: what a new experiment compares, for whom, and how it is decided
- ending: stop an experiment, or promote its variant B
"""
