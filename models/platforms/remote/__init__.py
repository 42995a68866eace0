"""Models on other servers.

In reading order:

- failures: what can go wrong with another server
- addresses: resolve a host once, and refuse addresses that are not for the portal
- guarded_socket: a socket with deadlines, which any thread may cancel
- connection: HTTP to one platform, over connections that are used again
- webhooks: post JSON to webhooks of alerts
- event_stream: events and lines of a streamed answer
- wires: the protocols of other servers
- remote_platform: one platform: its models, answers, vectors
- remote_answer: one answer while it streams
"""
