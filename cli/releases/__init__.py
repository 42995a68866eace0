"""Make an archive of a release, upgrade to another, and return.

In reading order:

- bundle: ./portal bundle
- upgrade: ./portal upgrade and rollback
- environments: keep the environments of two releases in one home
- running: stop, start and ask a release
- database: what an upgrade asks of the database, inside the environment
"""
