"""Widgets of the Models page.

In reading order:

- memory_bar: bars of the memory in use and in a plan
- memory_plan: settings of a load and the memory they need
- device_words: what a model computes on
- crash_card: how the previous run crashed
- loaded_card: a loaded model and what can be done with it
- loaded_models: the cards of the machine and its models
- evictions: who is affected by an unload
- files: model files on the server
- access: who may use a model
- group_models: default models of groups
- residency: when a model leaves memory
- comparing: comparisons of two files
- swaps: hot swaps
- results_card: the result cache
- start_problems: models that could not be loaded at startup
"""
