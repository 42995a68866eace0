"""Regular expressions as automata, and automata as rules of a grammar.

In reading order:

- nodes: expressions and sets of characters
- patterns: parse ECMAScript regular expressions
- automata: make the automaton of an expression
- automaton_rules: write an automaton as rules of GBNF
"""
