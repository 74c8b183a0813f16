"""The physical limit of a host scan: bare Python asks what no audit can avoid asking, and understands none of it.

Nothing of rasoat is imported. The files and commands are those the scan of this machine names as its sources, given as
a JSON list of [kind, what] in the file of the first argument.
"""

import glob
import json
import shlex
import subprocess
import sys

ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}

with open(sys.argv[1]) as listed:
    sources = json.load(listed)
for kind, what in sources:
    if kind == "command":
        try:
            subprocess.run(shlex.split(what), env=ENV, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            pass
        continue
    for path in glob.glob(what):
        try:
            if path.endswith((".lz4", ".zst")):
                subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", path], stdout=subprocess.DEVNULL)
                continue
            with open(path, "rb") as stream:
                while stream.read(1 << 20):
                    pass
        except OSError:
            pass
