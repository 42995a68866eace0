"""The domain: what the portal does, in standard library Python only."""
