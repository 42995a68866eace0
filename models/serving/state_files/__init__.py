"""Files that the pool writes into the home for the next load or the next start.

In reading order:

- remembered_settings: how each file was loaded last
- measured_memory: how much memory each load took
- start_list: models to load at every start
- last_run: report what an earlier run left when it crashed
"""
