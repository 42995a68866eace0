"""Full-text search: one port, an embedded index and Elasticsearch behind it."""
