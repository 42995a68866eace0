"""Measurements of served models: routing, swaps, and other model servers.

In reading order:

- router: what routing costs, and 1,000 questions while a server dies
- swap: a hot swap under running chats
- peer_platforms: llama-server, the portal and LiteLLM's proxy through the router
- peer_tests: llama.cpp's own server tests, run against the portal
"""
