"""Store what people may ask of models.

In reading order:

- offers: presets, access rules, default models of groups
"""
