"""Answers that other processes write: those of other replicas, and on a user server those of the admin server.

In reading order:

- followed_turn: hold such an answer for any number of watchers
- turns_elsewhere: follow and stop the answers of other replicas
"""
