"""Keep the pool of loaded models: load, route, unload.

In reading order:

- machine: memory and cores of this machine
- precedence: give decode threads priority on the processor
- pool_entry: one model of the pool
- roster: the models by name, and which is the default
- loader: make a platform from a file and its plan
- recent_facts: cache what headers say
- budget: limit what all models take together
- loading: plan, load and unload models
- leases: choose the version that answers, and hold it
- sleeping: unload models that may sleep, and wake them
- residency: decide when models sleep and wake
- pool: the parts above together, behind core's port
- swapping: a new version of a model under the same name
- router: find the platform of a model's name
- routing: choose between the models of this process and other servers
- notes: files in the home for the next load or start
- watchdog: report steps that do not end
"""
