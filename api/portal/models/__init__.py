"""Serve REST for models.

In reading order:

- models: models
- plans: memory plans
- downloads: the catalogue, downloads and imports
- catalogue_shapes: known models, reports and repositories as JSON
- quantizations: smaller files of models
- comparisons: comparisons of two files, and votes
- platforms: platforms and routes
- results: the result cache
- presets: presets
- access: who may use which model, and the default models of groups
- swaps: hot swaps and change markers
- swap_questions: canary and replay questions
"""
