"""The portal's own REST API, one file a resource."""
