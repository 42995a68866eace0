"""Choose who answers: a model of this process or one on another server.

In reading order:

- health: circuit breaker with back-off
- line: who waits for a platform, fairly by person
- figures: what a platform did lately
- member: one platform with its health, line and figures
- members: all platforms of the configuration, probed in the background
- plan: who may answer a request, in order, and why others do not
- served: list what can be asked
- states: describe the platforms for people
- platform_router: start, list, explain
- routed_answer: one answer, with failover before its first token
- routed_vectors: vectors, with failover
- grounding_plan: who can find boxes on an image, in order
- routed_detection: boxes from one detector
"""
