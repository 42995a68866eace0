"""Conversations, folders and turns."""
