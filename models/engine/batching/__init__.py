"""Choose the sequences that a step computes together, and estimate how long steps take.

In reading order:

- batch: what one step decodes
- step_time: learn how long steps take
- row_costs: measure what some rows cost together
- micro_batches: arrange slots for llama.cpp's micro-batches
- adapter_turns: let LoRA adapters take turns
"""
