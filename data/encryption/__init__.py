"""Encryption at rest.

In reading order:

- sealing: seal and open values with data keys
- key_watch: take a new data key of another process
- sealed_text: column types of sealed values
- reseal: seal old values with the current key
"""
