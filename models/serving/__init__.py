"""The pool of loaded models: load, try, route, unload."""
