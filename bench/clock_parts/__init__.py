"""Run a portal whose model takes as long as it would on a GPU.

In reading order:

- server: the portal with the stand-in of bench/engine_parts/gpu_clock.py
- watchers: people who use it while others' answers stream
"""
