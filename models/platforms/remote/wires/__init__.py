"""The protocols of other servers: a wire for each, and what they share.

In reading order:

- pieces: the pieces of a streamed answer, for every protocol
- counting: estimate tokens where a server does not count them
- chat_request: write a request in OpenAI's protocol
- openai_wire: OpenAI's protocol, also for Xinference
- detector_wire: the portal's small protocol of detectors
- ollama_wire: Ollama's own protocol
- listing: read a platform's list of models
"""
