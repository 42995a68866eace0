"""The models of this server: loading, hot swaps and reports.

In reading order:

- records: a model, how it is loaded, its state and memory
- swap_records: a hot swap, its steps and answers
- catalogue: known models and the repositories of their files
- quantization: the precisions that a file can be quantized to
- report_records: the contents of a report on a file
- ports: the pool of models
- markers: mark changes for charts
- evictions: choose models to unload, and count the people affected
- service: load, unload and list models
- canary: judge the answers of a new version
- swap_run: carry out a hot swap
- swaps: start, list and control hot swaps
- reports: report on a model file
"""
