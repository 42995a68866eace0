"""Measure how a portal that is asked for ten times what it can take refuses, and whether others notice. `./portal bench overload`

In reading order:

- __main__: fill the queue, flood the portal, print the results
- crowd: the people who fill the queue
- flood: send requests over several connections, and note each response
- reader: a person who streams an answer all the while
"""
