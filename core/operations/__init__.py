"""Backups, retention, index care and logs."""
