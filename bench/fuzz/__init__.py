"""Parsers that eat foreign bytes, fed with their own samples after random changes: `python -m bench.fuzz`."""
