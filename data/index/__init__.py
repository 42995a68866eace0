"""Keep the search index up to date through index jobs."""
