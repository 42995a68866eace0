"""Which models and presets a person may use.

In reading order:

- choice: what one person may use, and what a preset changes in a request
- resolver: find the model that a request goes to
- presets: create, publish and remove presets
- access: set who may use which model, and the default models of groups
"""
