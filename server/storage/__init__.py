"""What is done with the database as a whole: backup, restore, the move from SQLite to PostgreSQL, what is kept how long."""
