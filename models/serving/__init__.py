"""The pool of loaded models: load, route, unload.

In reading order:

- machine: memory and cores of this machine
- precedence: give the processor to decode threads first
- pool_entry: one model of the pool
- file_stamps: notice that a model's file changed on disk
- running_answer: hold a version of a model until its answer ends
- loader: load a model from its plan
- pool: load, follow, drain and unload models
- hot_swap: replace a model by a new version while answers run
- pattern_finder: evaluate regular expressions in a process of their own
- router: find the platform of a model's name
- routing: choose between the models of this process and other servers
- remembered_settings: how each file was loaded last
- start_list: models to load at every start
- last_run: report what an earlier run left when it crashed
- watchdog: report steps that do not end
"""
