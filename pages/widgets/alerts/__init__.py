"""The parts of the Alerts page.

In reading order:

- words: measures, conditions, values and states in words
- starters: ready-made rules to begin with
- firing: what fires now, with its buttons
- rule_list: all rules with their state
- history: what fired, what was sent, and changes of models
- form: the fields of a rule
- outcome: what a rule would have done
- webhooks: the addresses that alerts are posted to
"""
