"""Bring model files to this server: from hubs, from its own folders, from a browser.

In reading order:

- remote_models: what belongs together in a repository
- model_folder: verify files and put them into the models folder
- pace: progress and speed of a transfer
- downloads: get models from hubs, as jobs
- imports: copy models from a folder of the server, as jobs
- quantizing: quantize a file, as a job
- uploads: take files from a browser, piece by piece
"""
