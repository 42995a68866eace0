"""Widgets of the Usage page."""
