"""Install what the portal needs.

In reading order:

- install: everything in order
- system_packages: Debian packages
- python_packages: the virtual environment and its packages
- engine_build: how llama.cpp is compiled for this machine
- engine: compile, keep and try llama.cpp
- cures: say what to do about a failed installation
"""
