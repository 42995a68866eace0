"""Store second factors.

In reading order:

- outside_identities: who somebody of a provider or directory is here
- second_factors: secrets of authenticator apps and recovery codes
"""
