"""Hot swaps: a new version of a model takes over under the same name.

In reading order:

- records: a hot swap, its steps and answers
- ports: the two versions, and the repository of swaps
- canary: judge the answers of a new version
- replays: compare replayed answers with the accepted ones
- run: carry out a hot swap
- swaps: start, list and control hot swaps
"""
