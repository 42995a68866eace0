"""Experiments: half of the people who choose a model or preset get another one, until the figures say which is better.

In reading order:

- records: an experiment, its guardrails and its state
- ports: the repository of experiments and their figures
- sequential: intervals that hold at every look, the size that is needed, and the check of the split
- results: compare the variants, and check the guardrails
- verdict: the result in sentences
- service: start, stop, promote and check experiments
"""
