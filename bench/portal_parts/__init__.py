"""The parts that the measurements of a whole portal share.

In reading order:

- portal: start a portal with an empty home
- servers: an admin server and user servers that are killed and restarted
- clocked_server: a portal whose model takes a GPU's time
- page_socket: open a page without a browser
- dialects: the first token in each dialect, a separate measurement
- peer_checks: ask a real model server through the router
- askers: people who ask over REST
- store_data: fill a database with chats
- sizes: index, search and back up at full size
- deliveries: index jobs in any order, and twice
- kills: kill a portal at random moments
- server_kills: kill user servers and their admin server at random moments
- outage: stop Elasticsearch while people ask
- contract: requests made from the OpenAPI description
"""
