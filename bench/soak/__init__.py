"""Measure whether memory grows under a mixed load. `./portal bench soak`

In reading order:

- __main__: run it and print the results
- mixed_load: chats, programs, files, search, sign-ins and pages at once
- measuring: run the load and watch the memory
"""
