"""Back up and restore the database with one portable file, from and to either kind of database."""
