"""Serve OpenAI's Responses API.

In reading order:

- response_parts: items of the input, tools, reasoning and text format
- response_request: a request for a response
- response_shapes: the items and usage of an answer
- response_answer: an answer, whole or in typed events
- stored_responses: stored responses, and those in the background
- response_routes: the routes
"""
