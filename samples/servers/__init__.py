"""Servers that tests, benches and the demo start and stop on this machine.

In reading order:

- ports: free ports
- missing: skip a test whose server is not installed, or fail where everything must be
- postgresql: PostgreSQL
- redis_server: Redis
- elasticsearch_node: Elasticsearch
- nginx: nginx
- tls_proxy: end TLS before a server
- slapd: OpenLDAP
- node: Node and npm
- oidc_provider: a provider for OpenID Connect
- program_clients: other people's clients in environments of their own
- models: stand-ins for model servers, detectors and a model hub
"""
