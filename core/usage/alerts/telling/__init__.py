"""Tell people of alerts by notice, mail and webhook.

In reading order:

- webhooks: addresses that alerts are posted to
- words: the words of mails, in Chinese
- messages: the texts of mails and the JSON of webhooks
- delivery: send mails and webhooks as jobs
"""
