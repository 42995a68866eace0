"""KV cache: slots, prefix reuse, offload."""
