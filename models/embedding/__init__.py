"""Vectors in this process: embeddings and rankings by llama.cpp, on a context of their own."""
