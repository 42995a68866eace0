"""Shared drawing: what more than one place of a page needs."""
