"""Backup and restore: one portable file, for databases of every kind.

In reading order:

- tables: what a backup holds of each table
- file: the file format
- write: write a backup
- read: read and check a backup
- restore: restore into an empty database
- folder: the folder of the portal's own backups
"""
