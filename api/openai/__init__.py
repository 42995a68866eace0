"""Serve OpenAI's API."""
