"""The built-in guide, a small model that answers questions about the portal: guide.gguf.

- training: how it was trained; never imported at run time
"""
