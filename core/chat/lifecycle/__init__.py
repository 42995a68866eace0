"""The lifecycle of a turn: it is stored, runs in this process under a lease, and is recovered after a crash.

In reading order:

- new_turns: store a question and the turns that answer it
- running_here: keep track of the turns that this process runs
- leases: extend the leases of running turns, and recover turns of dead processes
- kept_chats: store a temporary chat, because its person asks for it
- yielding_request: ask the model for a background job, which yields to every answer
"""
