"""Work that no request waits for: declared in the rooms' tasks.py, kept as rows that people see, done by workers."""
