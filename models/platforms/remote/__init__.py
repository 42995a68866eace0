"""Models on other servers.

In reading order:

- failures: what can go wrong with another server
- addresses: resolve a host once, and refuse addresses that are not for the portal
- connection: HTTP to one platform, with deadlines and cancelling
- event_stream: events and lines of a streamed answer
- pieces: the pieces of a streamed answer, for every protocol
- counting: estimate tokens where a server does not count them
- chat_request: write a request in OpenAI's protocol
- openai_wire: OpenAI's protocol, also for Xinference
- detector_wire: the portal's small protocol of detectors
- ollama_wire: Ollama's own protocol
- listing: read a platform's list of models
- remote_platform: one platform: its models, answers, vectors
- remote_answer: one answer while it streams
"""
