"""Tell people of alerts by notice, mail and webhook.

In reading order:

- webhooks: addresses that alerts are posted to
- messages: the texts of mails and the JSON of webhooks
- delivery: send mails and webhooks as jobs
"""
