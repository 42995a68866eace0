"""Store second factors.

In reading order:

- second_factors: secrets of authenticator apps and recovery codes
"""
