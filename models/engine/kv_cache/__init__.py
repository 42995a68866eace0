"""KV cache: slots, prefix reuse, offload.

In reading order:

- prefix_cache: which tokens each slot holds
- slot_choice: choose a slot for a prompt
- offload: keep conversations in host memory
- offload_files: keep them in sealed files
- process_folder: a folder that ends with its process
- prefetch: compute the beginning of the next prompt early
"""
