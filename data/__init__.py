"""Store everything: the database (SQLAlchemy over SQLite or PostgreSQL) and the search index that follows it."""
