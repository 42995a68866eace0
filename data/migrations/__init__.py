"""Define Alembic's environment and revisions; data/migrate.py runs them."""
