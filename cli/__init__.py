"""The command ./portal. Code that runs before the environment exists uses the standard library only.

In reading order:

- main: parse the command and run it
- paths: the folders that the command uses
- progress: show the progress of long operations
- ending: end a command with one sentence
- environment: install what the portal needs
- serving: serve the portal
- checks: test
- releases: make an archive of a release, upgrade and roll back
- commands: user, doctor, backup, keys and audit
"""
