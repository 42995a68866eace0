"""Serve REST: OpenAI-compatible /v1, the portal's own /api/v1, health and metrics. Routes validate, call one service, present."""
