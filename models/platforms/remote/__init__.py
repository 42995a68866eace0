"""Models on other servers.

In reading order:

- failures: what can go wrong with another server
- addresses: resolve a host once, and refuse addresses that are not for the portal
- connection: HTTP to one platform, with deadlines and cancelling
- event_stream: events and lines of a streamed answer
- pieces: what a streamed answer is made of, whoever sends it
- counting: estimate tokens where a server does not count them
- chat_request: a question in OpenAI's words, and what had to be left out
- openai_wire: OpenAI's protocol, also for Xinference
- detector_wire: the portal's small protocol of detectors
- ollama_wire: Ollama's own protocol
- listing: what a platform says of its models
- remote_platform: one platform: its models, answers, vectors
- remote_answer: one answer while it streams
"""
