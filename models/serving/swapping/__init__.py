"""Swap in a new version of a model under the same name.

In reading order:

- file_stamps: notice that a model's file changed on disk
- running_answer: hold a version of a model until its answer ends
- versions: keep two versions side by side, and exchange them
- hot_swap: replace a model by a new version while answers run
- pattern_finder: evaluate regular expressions in a separate process
"""
