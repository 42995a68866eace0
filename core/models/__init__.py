"""Loaded models as people see them.

In reading order:

- records: a model, how it is loaded, its state and memory
- swap_records: a hot swap, its steps and answers
- catalogue: known models, and where their files are
- quantization: what a file can be quantized to
- report_records: what a report on a file holds
- ports: the pool of models
- markers: mark changes for charts
- evictions: who would notice if a model made room for another
- service: load, unload and list models
- canary: judge what a new version answers
- swap_run: carry out a hot swap
- swaps: start, follow and decide hot swaps
- reports: judge a model file
"""
