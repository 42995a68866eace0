"""Widgets of the Models page.

In reading order:

- memory_bar: bars of the memory in use and in a plan
- memory_plan: settings of a load and the memory they need
- device_words: what a model computes on
- evictions: who is affected by an unload
- file_address: the URL of a file's page
- quantize: make a smaller file of a model
- file_report: the page of a model file
- files_card: the files in the models folder
- access: who may use a model
- group_models: default models of groups
- residency: when a model leaves memory
- comparing: comparisons of two files
- swaps: hot swaps
- results_card: the result cache
- start_problems: models that could not be loaded at startup
"""
