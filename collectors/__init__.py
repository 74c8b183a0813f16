"""LOOK: reach a target and understand its answer. Collectors never judge; `baselines` does."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("rasoat")
except PackageNotFoundError:  # a source tree that was never installed
    VERSION = "0+uninstalled"
