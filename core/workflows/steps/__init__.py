"""What a run does for each step.

In reading order:

- rows: rows as a table to query, and boxes as rows
- charting: which columns a chart draws
- sql: tell SQL from words, and have a model write it
- writing: the prompt of a step that writes
- step_work: do one step
"""
