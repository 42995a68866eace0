"""Backup and restore: one portable file, whichever database it came from and goes to.

In reading order:

- tables: what of each table a backup holds
- file: the file format
- write: write a backup
- read: read and check a backup
- restore: restore into an empty database
- folder: the folder of the portal's own backups
"""
