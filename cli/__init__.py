"""The command ./portal. What runs before the environment exists is standard library only.

In reading order:

- main: parse the command and run it
- paths: where things are put
- progress: show what takes long
- ending: end a command with one sentence
- environment: install what the portal needs
- serving: serve the portal
- commands: user, doctor, test, backup, keys and audit
"""
