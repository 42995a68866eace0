"""Encryption at rest.

In reading order:

- sealing: encrypt and decrypt values with data keys
- key_watch: use a new data key of another process
- sealed_text: column types of encrypted values
- reseal: encrypt old values with the current key
"""
