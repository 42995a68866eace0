"""OpenAI's API.

In reading order:

- chat_parts: messages, tools and response formats
- chat_request: a chat request
- chat_answer: an answer, whole or in chunks
- chat_routes: models and chat completions
- vector_request: requests for embeddings and rankings
- vector_routes: embeddings and rankings
- ignored: name the fields that were ignored
"""
