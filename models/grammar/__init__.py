"""Grammars: `rules`, what one is; `stacks`, how it is followed; `growth`, whether that stays cheap. Read by prompting/grammar.py."""
