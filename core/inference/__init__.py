"""Requests to models and their results, for chats and for programs."""
