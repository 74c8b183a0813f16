"""No key and no token lies in the repository. What tests write down on purpose is too short to be one, or is named here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECRETS = {
    "private key": re.compile(
        r"-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s)+(?:[A-Za-z0-9+/=]{40,}(?:\\n|\s)+){2,}"
    ),
    "age key": re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    "key of a program of rasoat": re.compile(r"\brsk1\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{30,}"),
    "token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})"),
    "token of GitLab": re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"),
    "token of Vault": re.compile(r"\bhvs\.[A-Za-z0-9_-]{24,}"),
    "JSON Web Token": re.compile(r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    "keys of a centre": re.compile(r"\brasoat-centre-1 [0-9a-f]{64} [0-9a-f]{64}"),
    "password in an address": re.compile(r"\b(?:postgres(?:ql)?|https?|ldaps?)://[\w.-]+:(?!\S*[{<$*])[^\s:@/'\"]{12,}@"),
}
FOR_SHOW = {
    "tests/test_redact.py": "the key of AWS that stands in their own documents",
    "tests/server/test_storage_databases.py": "a password made up to see that it is told nowhere",
}
"""File -> why what looks like a secret there is none."""


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def found_in(text: str) -> list[str]:
    return [f"{name}: {match[0][:24]!r}" for name, pattern in SECRETS.items() for match in pattern.finditer(text)]


def test_no_file_holds_a_secret() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no repository: what is committed is not known")
    files = committed()
    assert len(files) > 500
    assert {str(path.relative_to(ROOT)) for path in files} >= set(FOR_SHOW), "what is gone needs no excuse"
    found = {
        str(path.relative_to(ROOT)): secrets
        for path in files
        if str(path.relative_to(ROOT)) not in FOR_SHOW and (secrets := found_in(path.read_bytes().decode("utf-8", "replace")))
    }
    assert found == {}


LINE = "Mc4" * 21
PLANTED = {
    "private key": f"-----BEGIN {'OPENSSH '}PRIVATE KEY-----\n{LINE}\n{LINE}\n",
    "age key": "AGE-SECRET-" + "KEY-1" + "Q" * 58,
    "key of a program of rasoat": "rsk1" + ".0eba722f." + "x" * 43,
    "token of GitHub": "ghp" + "_" + "a" * 36,
    "token of GitLab": "glpat" + "-" + "a" * 20,
    "key of AWS": "AKIA" + "A" * 16,
    "token of Slack": "xoxb" + "-" + "1" * 24,
    "token of Vault": "hvs" + "." + "a" * 24,
    "JSON Web Token": "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 43,
    "keys of a centre": "rasoat-centre-1 " + "0" * 64 + " " + "1" * 64,
    "password in an address": "postgresql://" + "rasoat:" + "correct-horse" + "@db/rasoat",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_one_that_is_planted_is_found(kind: str) -> None:
    assert [line.partition(":")[0] for line in found_in(f"a = '{PLANTED[kind]}'\n")] == [kind]
