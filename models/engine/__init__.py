"""llama.cpp in this process: one decode thread per model, which batches all running answers.

In reading order:

- engine: the decode loop
- images: images as embeddings, and the token ids that stand for them
- backend: what the engine needs of a model
- sequence: one answer on its way through the engine
- costs: all that is learned of the time that work takes
- scheduler: choose who gets a slot and what goes into the next batch
- runner: decode and sample a batch, and isolate what fails
- answers: admit, preempt and end answers
- delivery: hand text over while the next step computes
- batching: which sequences a step computes together
- kv_cache: slots, prefix reuse, offload
- sampling: choose tokens and turn them into text
- speculative: draft tokens
- stats: counters and histograms
- llama: llama.cpp through its C API
"""
