from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from agent import language
from agent.spool import Spool
from collectors.seal import seal
from tests.agent.collector import Collector
from tests.agent.snapshots import healthy

ROOT = Path(__file__).parents[2]
PACK = Path(__file__).with_name("pack")


def compile_catalogs() -> None:
    """Write the .mo files that are missing or older than their source, each at once: workers share the tree."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for po in (ROOT / "agent" / "locale").glob("*/LC_MESSAGES/*.po"):
        target = po.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= po.stat().st_mtime:
            continue
        beside = target.with_suffix(f".{os.getpid()}.tmp")
        with po.open("rb") as source, beside.open("wb") as out:
            write_mo(out, read_po(source))
        beside.replace(target)


@pytest.fixture(scope="session", autouse=True)
def catalogs() -> None:
    compile_catalogs()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    before = os.environ.get("LANGUAGE")
    language.choose("en")
    yield
    language.choose("en")
    if before is None:
        os.environ.pop("LANGUAGE", None)
    else:
        os.environ["LANGUAGE"] = before


@pytest.fixture
def collector() -> Iterator[Collector]:
    serving = Collector()
    yield serving
    serving.close()


def environment(**more: str) -> dict[str, str]:
    """Of a command under test: nothing of the developer's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "RASOAT_RETRY_SECONDS": "0.01",
        **more,
    }


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def rasoat(tmp_path: Path) -> Run:
    """Run the command; its exit code and output."""

    def run(*words: str | Path, env: Mapping[str, str] | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agent", *map(str, words)],
            env=environment(**(env or {})),
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture
def enrolled(tmp_path: Path, collector: Collector) -> Path:
    """The state folder of an agent that has scanned just now and knows its collector."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    private = Ed25519PrivateKey.generate()
    (folder / "key").write_bytes(private.private_bytes_raw())
    (folder / "key").chmod(0o600)
    collector.agents["agent-1"] = private.public_key().public_bytes_raw()
    (folder / "identity.json").write_text(
        json.dumps({"agent_id": "agent-1", "unit": "Sở", "url": collector.url, "name": "web01"})
    )
    (folder / "contact.json").write_text(json.dumps({"last_scan": time.time()}))
    return folder


def fill(state: Path, count: int = 1, cap: int = 1 << 20, name: str = "web01") -> list[str]:
    """Put sealed snapshots of one machine into the spool, each a second younger than the one before; their ids."""
    spool = Spool(state, cap)
    spool.prepare()
    ids = []
    for number in range(count):
        made = healthy(name=name, at=1_790_000_000.0 + number)
        spool.put(made.id, name, seal(made.to_bytes(), "agent-1", (state / "key").read_bytes()))
        ids.append(made.id)
    return ids
