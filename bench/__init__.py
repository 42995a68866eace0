"""Measurements: `./portal bench NAME`. Each is one command and prints one table."""
