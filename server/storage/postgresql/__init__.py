"""Django's PostgreSQL, but for one character."""
