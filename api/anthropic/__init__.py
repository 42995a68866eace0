"""Serve Anthropic's Messages API.

In reading order:

- errors: errors in Anthropic's shape
- message_parts: messages, blocks and tools
- message_request: a request for a message
- message_answer: an answer, whole or in events
- message_routes: the routes
"""
