"""Money: what answers cost, by prices that admins enter, and budgets of groups.

In reading order:

- records: prices and budgets
- pricing: what a request costs
- forecast: what a month will cost
- energy: the electricity of local models, measured or assumed
- ports: their repository
- repricing: compute past costs anew
- service: set prices and budgets, and compute the Money board
"""
