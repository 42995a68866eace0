"""Make datasets for training from rated answers.

In reading order:

- records: the settings of a dataset, its versions and files, and the report of a build
- stored: settings and reports as JSON
- access: who may read and make which datasets
- ports: the repositories of datasets, of their ratings and of people's decisions
- examples: an answer with its conversation, as messages
- lines: examples as JSON, in the formats that trainers read
- holdout: which conversations are held out
- duplicates: find equal and nearly equal texts
- cleaning: which examples stay
- selection: choose ratings, read their conversations and clean them
- builds: build versions in background jobs
- datasets: make, change, list, read and delete datasets
"""
