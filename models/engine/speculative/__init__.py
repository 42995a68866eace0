"""Draft tokens: prompt lookup and MTP.

In reading order:

- prompt_lookup: draft tokens from earlier text
- guesser: find the passage that an answer follows
- draft_costs: weigh what drafts cost and save
- mtp: run the model's next-token layer
- accept_rate: learn how often that layer is right
- drafting: decide for which answers it drafts
"""
