"""Store second factors and outside identities.

In reading order:

- outside_identities: accounts that belong to people of a provider or directory
- second_factors: secrets of authenticator apps and recovery codes
"""
