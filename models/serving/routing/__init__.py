"""Choose who answers: a model of this process or one on another server.

In reading order:

- members: the platforms of the configuration, with health, queue and stats
- plan: candidates for a request, in order, and why others are left out
- served: list the models that can be asked
- states: describe the platforms for people
- platform_router: start, list, explain
- routed_answer: one answer, with failover before its first token
- routed_vectors: vectors, with failover
- grounding_plan: candidates that can find boxes on an image, in order
- routed_detection: boxes from one detector
"""
