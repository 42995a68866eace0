"""The models of this server: loading, hot swaps and reports.

In reading order:

- records: a model, its file and its state
- load_settings: how a model is loaded
- memory_records: what a load needs, and what a device has
- start_records: what is loaded at a start, and the crash before it
- catalogue: known models and the repositories of their files
- quantization: the precisions that a file can be quantized to
- report_records: the contents of a report on a file
- ports: the pool of models
- evictions: choose models to unload, and count the people affected
- service: load, unload and list models
- swaps: replace a version of a model by another under the same name
- reports: report on a model file
"""
