"""Inference: model files, the pool of loaded models, and the platforms that run them.

In reading order:

- gguf: read and check model files, plan memory
- prompting: from messages to a prompt, and from text to reasoning and tool calls
- comparing: two files on the same tokens
- quantizing: smaller files of models, made by llama.cpp
- schema: JSON schemas and patterns as grammars
- grammar: what a grammar is, and how it is followed
- engine: decode the running answers of one model together
- embedding: embeddings and rankings
- platforms: one interface to a model, wherever it runs
- child: a model in a separate process
- guide: the built-in model, and how it is trained
- trials: try llama.cpp and model files in child processes first
- hub: list and download model files from hubs
- serving: the pool of loaded models, loading and routing
- machine: memory and cores of this machine
- hardware: measure processors, memory and GPUs for the history of the machines
- plain_words: clean up messages of llama.cpp and templates for people
"""
