"""The one gateway to models, for chats and programs.

In reading order:

- requests: a request to a chat model and the events of its answer
- vectors: a request for embeddings or a ranking and its result
- detection: boxes for phrases on an image, from a detector
- records: the generation row, with tokens and timings
- offers: presets, access rules and default models of groups, as records
- ports: the router that finds a model; the repository of offers
- choice: from what a request names to the model it may use
- presets: create, publish and remove presets
- access: set who may use which model, and the default models of groups
- embedding_cache: keep vectors of texts
- cached_embedding: a request of which some vectors are known
- counted: count a request against the limits of its person
- private: keep personal data out of requests and answers
- vision: prepare the images of a request
- gateway: check, route and record every request
"""
