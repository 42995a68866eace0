"""Keep the pool of loaded models: load, route, unload.

In reading order:

- precedence: give decode threads priority on the processor
- loader: make a platform from a file and its plan
- recent_facts: cache what headers say
- pool: hold the loaded models, load and unload them
- swapping: a new version of a model under the same name
- router: find the platform of a model's name
- routing: choose between the models of this process and other servers
- state_files: files in the home for the next load or start
- watchdog: report steps that do not end
"""
