"""What happens to a turn beside its answer: it is stored, runs here under a lease, and is recovered after a crash.

In reading order:

- new_turns: store a question and the turns that answer it
- running_here: hold the turns that this process runs
- leases: extend the leases of running turns, recover those of dead processes
"""
