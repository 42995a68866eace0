"""Answers written by other processes: by other replicas, or, on a user server, by the admin server.

In reading order:

- followed_turn: share the state of such an answer with any number of watchers
- turns_elsewhere: follow and stop the answers of other replicas
"""
