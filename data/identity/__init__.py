"""Identity providers and directories. Their packages are in requirements/identity.txt; nothing else imports these modules.

In reading order:

- ldap: an LDAP directory or Active Directory
- oidc: an OpenID Connect provider
"""
