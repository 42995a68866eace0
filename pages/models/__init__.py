"""The pages of the Models menu.

In reading order:

- models: load and watch models
- get_model: known models, downloads and imports
- compare: compare two files of a model, with blind votes on their answers
- presets: models with instructions and settings; default models of groups
- platforms: model servers, routes, and the configuration with its versions
"""
