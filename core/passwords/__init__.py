"""Which passwords may be chosen.

In reading order:

- rules: length, and the passwords that attackers try first
"""
