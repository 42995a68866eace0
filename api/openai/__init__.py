"""Serve OpenAI's API.

In reading order:

- data_uris: the images of requests
- chat_parts: messages, tools and response formats
- sampling_fields: the fields that chat and plain completions share
- chat_request: a chat request
- chat_answer: an answer, whole or in chunks
- chat_routes: chat completions
- completion_request: a request to continue a bare prompt
- completion_answer: its answer, whole or in chunks
- completion_routes: completions, and conversion between texts and tokens
- vector_request: requests for embeddings and rankings
- vector_routes: embeddings and rankings
- ignored: name the fields that were ignored
"""
