"""Views in SQL for people who ask the database themselves: what may be read, in plain words and columns, and by whom."""
