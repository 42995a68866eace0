"""Begin answers, read them, and stream them.

In reading order:

- starting: threads on which answers begin
- answers: the running answers to one request
- answer_thread: one thread that reads all of them
- streams: server-sent events
- timings: what was measured of an answer
"""
