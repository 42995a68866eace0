"""Measure whether memory grows under a mixed load. `./portal bench soak`

In reading order:

- __main__: run it and print the results
- mixed_load: run every kind of load at once, each on a separate thread
- rounds: one round of each kind, which deletes everything that it creates
- pace: hold the load to a share of a processor core
- measuring: run the load and watch the memory
- growing: compute by how much the memory grew
"""
