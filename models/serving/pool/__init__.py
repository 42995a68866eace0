"""Hold the loaded models.

In reading order:

- pool_entry: one model of the pool
- registry: the models by name, and which is the default
- budget: limit what all models take together
- loading: plan, load and unload models
- leases: choose the version that answers, and hold it
- sleeping: unload models that may sleep, and wake them
- residency: decide when models sleep and wake
- pool: the parts above together, behind core's port
"""
