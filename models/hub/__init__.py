"""Download model files from hubs, each in a process of its own.

In reading order:

- client: ask a hub, as core sees it
- worker: the main program of the process
- hugging_face: list and download with huggingface_hub
- modelscope: list and download with modelscope_hub
- lines: what the process and the portal say to each other
"""
