"""Anthropic's Messages API: message_parts, message_request, message_answer, message_routes, and errors in its shape."""
