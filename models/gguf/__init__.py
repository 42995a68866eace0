"""Read GGUF files: headers, facts, memory plans and the models folder.

In reading order:

- headers: read and check the headers of files
- facts: family, shape, precision, template and fingerprint of a model
- adapters: check a LoRA adapter against its model
- file_names: display names of model files
- folder: list the files of the models folder
- gpu_choice: choose the GPUs of a load
- projectors: find the projector that belongs to a model
- flash_attention: decide whether flash attention is faster
- memory_sizes: estimate what contexts and computations take
- room: the memory that a load may take
- memory_plan: plan how to load a model, and whether it fits
- catalogue: read catalogue.yaml, the known models, and plan their memory
- inspector: read a file for a report
"""
