"""Which known vulnerabilities does a machine have? Its stored facts against what publishers say of its own release, and of no other.

Pure: versions.py (exact order, or none), said.py (what a publisher says, and what follows for one version), host.py (what
the facts tell), debs.py, rpms.py, kernels.py, windows.py, network.py, match.py (all together). Kept: models.py, tables.py,
store.py, tasks.py, views.py.

No match never means safe: it means that no advisory was known on the day of the feed, of the packages that were assessed.
"""
