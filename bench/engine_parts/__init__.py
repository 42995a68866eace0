"""What the measurements of the engine share.

In reading order:

- sides_in_turns: the machine, prompts, and sides that take turns
- synthetic: GLM-4s with random weights
- blocks: such a model written directly in Q4_K_M
- chats: chats that ask at set times, and who answers them
- conversations: conversations that go on beside others
- steps: what of a step passes where
- gpu_clock: a stand-in that keeps a GPU's time
- bandwidth: how fast memory is
- engine_stress: random questions and cancels at once
- results: write a table into bench/results
"""
