"""Encryption at rest.

In reading order:

- sealing: seal and open values with data keys
- sealed_text: column types of sealed values
- reseal: seal old values with the current key
"""
