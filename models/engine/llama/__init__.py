"""llama.cpp through its C API.

In reading order:

- native: load the C library; the only import of llama_cpp
- options: how to load a model
- model: weights, tokenizer and abort flag
- backend: a model as the engine's backend
- vocabulary: the tokens of a model, and the text of each
- row_sampler: sample from the logits of a decode
- batch: fill llama_batch through numpy
- images: give images to a model that can see
- interpreter_lock: set how soon the interpreter lock changes hands
- large_pages: put weights into 2 MB pages
- last_step: note what a model does, for the report of a crash
"""
