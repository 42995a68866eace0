"""Feedback and its review."""
