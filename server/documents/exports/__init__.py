"""Papers as files. Each exporter takes a Report (server/documents/report.py) and nothing else; how it looks is a template that may be replaced."""
