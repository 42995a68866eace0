"""The models that are loaded, as people see them."""
