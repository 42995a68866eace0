"""Install what the portal needs.

In reading order:

- install: all steps in order
- offline: what an archive of ./portal bundle brought along
- system_packages: Debian packages
- python_packages: the virtual environment and its packages
- engine_build: choose how to compile llama.cpp for this machine
- engine: compile, cache and test llama.cpp
- fixes: advice after a failed installation
"""
