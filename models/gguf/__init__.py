"""GGUF files: headers, facts, memory plans and the models folder."""
