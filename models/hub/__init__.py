"""Download model files from hubs, each in a separate process.

In reading order:

- client: run a hub process, as core's ModelHub
- worker: the main program of the process
- hugging_face: list and download with huggingface_hub
- modelscope: list and download with modelscope_hub
- lines: the protocol between the process and the portal
"""
