"""Implement the repositories of core/<area>/ports.py, one per kind of row, within one transaction."""
