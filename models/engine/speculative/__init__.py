"""Draft tokens: prompt lookup and MTP.

In reading order:

- drafter: the port, and which drafters a model gets
- draft_costs: weigh what draft tokens cost and save
- prompt_lookup: draft from earlier text
- passage: the earlier passage that an answer follows
- mtp_drafter: decide for which sequences MTP drafts, and how far
- accept_rate: how often its draft tokens are right
- mtp: run the model's next-token layer
"""
