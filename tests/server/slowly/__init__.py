"""A Django app of the tests alone: tasks that stop where a test wants them to, in real workers (workers.py)."""
