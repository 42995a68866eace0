"""Search full text through one port, with an embedded index or Elasticsearch behind it."""
