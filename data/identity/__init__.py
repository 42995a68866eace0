"""Identity providers and directories. Their packages are in requirements/identity.txt; nothing else imports these modules.

In reading order:

- oidc: an OpenID Connect provider
"""
