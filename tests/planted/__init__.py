"""Real misconfigurations on a real machine: each turns exactly its checks red, and its repair turns them green again.

They are planted in a private copy of the machine that runs the tests (`machine.py`), brought to a healthy state first
(`healthy.py`), and looked at with the real command, `rasoat scan --format json`.

Three things in the copy are stand-ins, because the real ones cannot be had in private or would have to be downloaded:
`auditctl` (the kernel has one audit for all its namespaces, and its rules are never touched here; it answers what a real
kernel was recorded to say), ClamAV and AIDE (programs of that name, and signatures of which only the head is real), and
the processes behind ports and names of old services.
"""

import pytest

pytest.register_assert_rewrite("tests.planted.machine", "tests.planted.scenario")
