"""Widgets of the review."""
