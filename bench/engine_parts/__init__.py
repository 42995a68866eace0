"""The parts that the measurements of the engine share.

In reading order:

- sides_in_turns: the machine, prompts, and sides that take turns
- synthetic: GLM-4s with random weights
- blocks: such a model written directly in Q4_K_M
- chats: chats that ask at set times
- sides: the sides that answer them
- conversations: conversations that continue beside others
- steps: where the time of a step is spent
- gpu_clock: a stand-in that takes a GPU's time
- bandwidth: how fast memory is
- stress: random questions and cancels at once
- results: write a table into bench/results
"""
