"""GGUF files: headers, facts, memory plans and the models folder.

In reading order:

- headers: the headers of files, read and checked
- facts: family, shape, precision, template and fingerprint of a model
- adapters: check a LoRA adapter against its model
- file_names: names of model files for people
- folder: list the files of the models folder
- gpu_choice: choose the GPUs of a load
- projectors: find the projector that belongs to a model
- flash_attention: decide whether flash attention is worth it
- memory_plan: plan how to load a model, and whether it fits
- catalogue: read catalogue.yaml, the known models, and plan their memory
- inspector: read a file for a report
"""
