"""Encrypt texts and files at rest."""
