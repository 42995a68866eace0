"""Make a smaller file of a model with llama.cpp's quantizer.

In reading order:

- quantizer: check a file, and run the quantizer in a separate process
- process: that process
"""
