"""Inference: GGUF files, the pool of loaded models, and the platforms that run them."""
