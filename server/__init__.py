"""KEEP AND SHOW: the central collector (Django)."""
