"""Widgets of the Models page.

In reading order:

- memory_bar: what memory holds and would hold
- memory_plan: settings of a load and what they take
- files_card: the files in the models folder
- catalogue_card: a known model, what fits, and its download
- transfers: downloads and imports under way
- other_sources: a repository by its name, a folder on the server
- upload: a file from the browser, in pieces
- first_model: the hint while only the guide is loaded
- access: who may use a model
- group_models: the default model of each group
- residency: when a model leaves memory
- swaps: hot swaps
- start_problems: models that could not be loaded at the start
"""
