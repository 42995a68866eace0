"""Sampling and detokenizing.

In reading order:

- sampler: the sampler chain, and what each family recommends
- top_tokens: find the likeliest tokens of many rows at once
- top_chain: show the chain only the likeliest tokens
- gpu_candidates: let the GPU find them
- steering: grammars, thinking budgets and log probabilities
- token_texts: the text of every token
- grammar_sampler: which tokens a grammar allows next
- detokenizer: tokens to text while they stream
"""
