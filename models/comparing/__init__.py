"""Compare two model files on the same tokens.

In reading order:

- divergence: KL divergence and likelihoods from logits
- scorer: a model's logits at every position, and its answers
- process: the process that loads both files
- comparer: start that process and read its report
"""
