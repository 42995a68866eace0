"""What measurements of the store share.

In reading order:

- store_data: fill a database with chats
- sizes: index, search and back up at full size
- deliveries: index jobs in any order, and twice
- kills: kill a portal at random moments
- outage: stop Elasticsearch while people ask
"""
