"""Widgets of the Store page."""
