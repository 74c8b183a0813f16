"""SHA256SUMS over dist/ and a signature that OpenSSH makes and checks: `python -m scripts.release.sign --key FILE`.

The key is the releaser's own and never lies in this repository. Whoever receives a release checks with OpenSSH and coreutils
alone (docs/release.md); `--verify` here does the same, and says what lies beside the list without standing on it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from scripts.release import source

NAMESPACE = "rasoat-release"
"""A signature made for anything else with the same key is none of a release."""
SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<name>[^/\\\s][^/\\\n]*)")


class Refused(Exception):
    """It is not what was signed; `str(error)` says why."""


def digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def listed(dist: Path) -> list[Path]:
    """What a release hands over, in the order of names."""
    return sorted(
        path for path in dist.iterdir() if path.is_file() and path.name not in (SUMS, SIGNATURE) and path.name[0] != "."
    )


def sums(dist: Path) -> Path:
    """Write the list, in the form `sha256sum -c` reads. A signature of an earlier list goes."""
    files = listed(dist)
    if not files:
        raise Refused(f"{dist} holds nothing to be signed: make dist")
    (dist / SIGNATURE).unlink(missing_ok=True)
    (dist / SUMS).write_text("".join(f"{digest(path)}  {path.name}\n" for path in files), "utf-8")
    return dist / SUMS


def sign(dist: Path, key: Path) -> Path:
    """Sign the list; ssh-keygen asks for the passphrase, or the agent or token that holds the key."""
    if key.resolve().is_relative_to(source.ROOT):
        raise Refused(f"{key} lies in the repository: a signing key has no place there")
    done = subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE, dist / SUMS], check=False)
    if done.returncode or not (dist / SIGNATURE).exists():
        raise Refused("not signed")
    return dist / SIGNATURE


def verify(dist: Path, allowed: Path, identity: str) -> list[str]:
    """Names of what was signed by that person, and is as it was signed. Raises Refused."""
    for name in (SUMS, SIGNATURE):
        if not (dist / name).is_file():
            raise Refused(f"{dist} holds no {name}")
    words = ["-Y", "verify", "-f", allowed, "-I", identity, "-n", NAMESPACE, "-s", dist / SIGNATURE]
    told = (dist / SUMS).read_bytes()  # once: what is checked is what is read
    done = subprocess.run(["ssh-keygen", *words], input=told, capture_output=True, check=False)
    if done.returncode:
        raise Refused((done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()[-1])
    wanted: dict[str, str] = {}
    for line in told.decode("utf-8").splitlines():
        row = _LINE.fullmatch(line)
        if row is None or row["name"] in wanted:
            raise Refused(f"{SUMS}: {line[:80]!r} is no line of it")
        wanted[row["name"]] = row["sha256"]
    there = {path.name: path for path in listed(dist)}
    if missing := sorted(set(wanted) - set(there)):
        raise Refused(f"missing: {', '.join(missing)}")
    if strange := sorted(set(there) - set(wanted)):
        raise Refused(f"nobody signed {', '.join(strange)}")
    if changed := [name for name, told_of in wanted.items() if digest(there[name]) != told_of]:
        raise Refused(f"changed: {', '.join(changed)}")
    return sorted(wanted)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.release.sign", description=__doc__)
    parser.add_argument("--dist", type=Path, default=source.DIST)
    parser.add_argument("--key", type=Path, default=os.environ.get("KEY") or None, help="private key, or public one of an agent")
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--allowed", type=Path, metavar="FILE", help="allowed_signers of OpenSSH, from a way of its own")
    parser.add_argument("--identity", metavar="NAME", help="who must have signed, as that file calls them")
    options = parser.parse_args(argv)
    try:
        if options.verify:
            if not (options.allowed and options.identity):
                parser.error("--verify needs --allowed and --identity: nothing vouches for itself")
            names = verify(options.dist, options.allowed, options.identity)
            print(f"{len(names)} files are as {options.identity} signed them")
            return 0
        print(sums(options.dist))
        if options.key:
            print(sign(options.dist, Path(options.key)))
        else:
            print("not signed: give a key with --key or KEY=", file=sys.stderr)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
