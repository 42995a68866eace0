"""llama.cpp in this process: one decode thread a model, which batches all running answers."""
