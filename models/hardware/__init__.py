"""Measuring this machine for its history.

In reading order:

- host: processor and memory
- nvml: GPUs, through NVIDIA's management library
"""
