"""Loaded models as people see them.

In reading order:

- records: a model, how it is loaded, its state and memory
- swap_records: a hot swap, its steps and answers
- catalogue: known models, and where their files are
- ports: the pool of models
- service: load, unload and list models
- canary: judge what a new version answers
- swap_run: carry out a hot swap
- swaps: start, follow and decide hot swaps
- remote_models: what belongs together in a repository
- model_folder: verify files and put them into the models folder
- pace: progress and speed of a transfer
- downloads: get models from hubs, as jobs
- uploads: take files from a browser, piece by piece
- imports: copy models from a folder of the server, as jobs
"""
