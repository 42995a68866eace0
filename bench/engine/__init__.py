"""Measurements of the engine and of what it loads.

In reading order:

- engine: the engine beside llama-server and others
- engine_gpu: the engine on an NVIDIA GPU
- images: how long images take, new and cached
- plan: predicted against measured memory of loads
- peers: compile llama-server
"""
