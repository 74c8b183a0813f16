"""What each release left behind, kept as it was: every later version must read it.

A folder is named after its release and is made once (`python -m tests.releases.make 1.0`), never again. office.py fills a
collector, sites.py an agent and a relay; found.py is how tests take one up. tests/server/test_upgrade_from_releases.py and
tests/test_files_of_releases.py walk over all of them.
"""

README = """\
# What rasoat {version} left behind

Made once, by `python -m tests.releases.make`, and never again: every later version must read it (tests/server/test_upgrade_from_releases.py,
tests/test_files_of_releases.py).

| file | what |
|---|---|
| `collector.tar.zst` | data directory of a collector: SQLite, settings, keys, a pack of its own; and the same as a file of `rasoat server backup` |
| `agent.tar.zst` | state directory of an agent with two reports not yet sent |
| `relay.tar.zst`, `behind.tar.zst` | a relay with two reports it holds for the collector, and the agent behind it |
| `snapshot.json.zst`, `device.json.zst` | reports as JSON, of a host and of a network device |
| `whole.sealed.zst`, `difference.sealed.zst`, `older.json.zst` | a report sealed: whole, and as a difference to an older one |
| `evidence.zip`, `feeds.zip` | a bundle of evidence; a signed bundle of what publishers say |
| `system.yaml`, `targets.yaml`, `tailoring.yaml`, `settings.toml` | files that people write |
| `told.json` | what all this held by its own account when it was made |

Every key, password and token in here was made for this folder alone, opens nothing else, and is of no use to anybody. Facts are those of recorded
cases; units, people and addresses are made up.
"""
