"""The one gateway to models, for chats and programs.

In reading order:

- requests: a request to a chat model and the events of its answer
- vectors: a request for embeddings or a ranking and its result
- detection: boxes for phrases on an image, from a detector
- records: the generation row, with tokens and timings
- offers: presets, access rules, and splits of people between two models, as records
- ports: the router that finds a model; the repository of offers
- choosing: which models and presets a person may use
- private: keep personal data out of requests and answers
- vision: prepare the images of a request
- caching: vectors that are computed once and kept
- running: requests that run now, from their start to the generation row
- gateway: check, route and record every request
"""
