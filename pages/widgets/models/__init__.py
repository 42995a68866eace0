"""Widgets of the Models page.

In reading order:

- memory_bar: what memory holds and would hold
- memory_plan: settings of a load and what they take
- evictions: who would notice an unload
- file_address: where the page of a file is
- quantize: make a smaller file of a model
- file_report: the page of a model file
- files_card: the files in the models folder
- access: who may use a model
- group_models: the default model of each group
- residency: when a model leaves memory
- comparing: comparisons of two files
- swaps: hot swaps
- results_card: the result cache
- start_problems: models that could not be loaded at the start
"""
