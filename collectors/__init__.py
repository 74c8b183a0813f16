"""LOOK: reach a target and understand its answer. Collectors never judge; `baselines` does."""

VERSION = "1.0.0"
"""Of the whole distribution; pyproject.toml reads it here. Not asked of the installed metadata: that costs every scan 15 ms."""
