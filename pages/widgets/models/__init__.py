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
- swap_form: choose the successor of a model
- swap_view: one hot swap
- swap_questions: swaps of late, canary and replay questions
- start_problems: models that could not be loaded at the start
"""
