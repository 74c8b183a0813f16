"""Feeds: vulnerabilities, ends of life, indicators and warnings, brought on a stick as a signed bundle and kept with their dates."""
