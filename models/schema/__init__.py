"""JSON schemas as grammars.

In reading order:

- json_schema: write a schema as a grammar
- form_joins: combine plain forms, and tell what one allows
- schema_forms: bring a schema into plain forms
- schema_rules: the rules of a grammar, and its limits
- schema_objects: objects
- schema_arrays: arrays
- schema_values: strings and numbers
- schema_numbers: numbers within bounds
- schema_strings: strings with patterns, formats and lengths
- expressions: regular expressions as automata
"""
