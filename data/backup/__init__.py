"""Backup and restore: one portable file, whichever database it came from and goes to."""
