"""A bill of materials beside each artefact of dist/, CycloneDX 1.6: `python -m scripts.release.sbom`.

Of a wheel or source archive: what a collector with every extra installs, as pinned. Of a packed agent and its package: what is
packed into it, and each C library by name and digest, as the archive shows them. The same artefact gives the same file; its one
time is the release's own. Digests of packages on the index come with --look-up, from pip; without it there are none.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scripts.release import source
from scripts.release.dependencies import SERVER, Part, asked_for, closure, pinned, project

SUFFIX = ".cdx.json"
OURS = uuid.UUID("5f2f6d5e-5a0b-5b0e-9b3c-0f6f1c6d0a11")
"""Namespace of serial numbers, which are drawn from the content."""
PACKED = re.compile(r"^rasoat-agent(?:\.exe$|$|[-_].*\.(?:tar\.xz|zip|deb)$)")
LIBRARY = re.compile(r"(?:^|/)(lib[^/]+\.so[.\d]*|[^/]+\.dll)$", re.I)
UNSEEN = "C libraries packed into it: not looked at; the archive of the same version lists them"


def artefacts(dist: Path) -> Iterator[Path]:
    """What people install."""
    for path in sorted(dist.iterdir()):
        if path.is_file() and (PACKED.match(path.name) or path.name.endswith((".whl", ".tar.gz"))):
            yield path


def bill(artefact: Path, moment: int, looked_up: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The document. Raises Unknown where something about a part is not known."""
    packed = bool(PACKED.match(artefact.name))
    parts = closure(asked_for() if packed else asked_for(SERVER))
    digest = _digest(artefact)
    own = {
        "type": "application", "bom-ref": f"rasoat@{source.version()}", "name": "rasoat", "version": source.version(),
        "description": project()["project"]["description"], "licenses": [{"license": {"id": "Apache-2.0"}}],
        "purl": f"pkg:generic/{artefact.name}@{source.version()}", "hashes": [{"alg": "SHA-256", "content": digest}],
    }  # fmt: skip
    components = [component(part, (looked_up or {}).get(part.name)) for part in parts.values()]
    libraries = list(_libraries(artefact)) if packed else []
    told = [{"name": "rasoat:artefact", "value": artefact.name}]
    if packed and not libraries:
        told.append({"name": "rasoat:not-listed", "value": UNSEEN})
    if looked_up is None:
        told.append({"name": "rasoat:not-listed", "value": "digests of packages: not looked up"})
    first = sorted(ref(parts[name]) for name in {_key(one.name) for one in asked_for(() if packed else SERVER)} & set(parts))
    found: dict[str, Any] = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components + libraries,
        "metadata": {"component": own, "properties": told, "timestamp": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
        "dependencies": [{"ref": own["bom-ref"], "dependsOn": first}, *({"ref": ref(part), "dependsOn": sorted(ref(parts[name]) for name in part.requires if name in parts)} for part in parts.values())],
    }  # fmt: skip
    content = json.dumps(found, sort_keys=True, ensure_ascii=False)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "serialNumber": f"urn:uuid:{uuid.uuid5(OURS, content)}",
    } | found


def component(part: Part, sha256: str | None) -> dict[str, Any]:
    version = pinned()[part.name]
    if version != part.version:
        raise SystemExit(f"{part.name}: {part.version} is installed, {version} is pinned: make setup")
    found: dict[str, Any] = {
        "type": "library", "bom-ref": ref(part), "name": part.name, "version": part.version, "purl": ref(part), "scope": "required",
        "licenses": [{"expression": part.licence}],
    }  # fmt: skip
    if sha256:
        found["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    return found


def ref(part: Part) -> str:
    return f"pkg:pypi/{part.name}@{part.version}"


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _libraries(artefact: Path) -> Iterator[dict[str, Any]]:
    """C libraries of a packed archive, by what they are called and their bytes: their versions stand nowhere in it."""
    for name, raw in sorted(_members(artefact)):
        digest = hashlib.sha256(raw).hexdigest()
        yield {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}


def _members(artefact: Path) -> Iterator[tuple[str, bytes]]:
    if artefact.suffix == ".zip":
        with zipfile.ZipFile(artefact) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist() if LIBRARY.search(name))
        return
    raw = None
    if artefact.suffix == ".deb" and shutil.which("dpkg-deb"):
        raw = io.BytesIO(subprocess.run(["dpkg-deb", "--fsys-tarfile", artefact], check=True, capture_output=True).stdout)
    elif artefact.name.endswith(".tar.xz"):
        raw = io.BytesIO(lzma.decompress(artefact.read_bytes()))
    if raw is not None:
        with tarfile.open(fileobj=raw) as archive:
            for entry in archive:
                stream = archive.extractfile(entry) if entry.isfile() and LIBRARY.search(entry.name) else None
                if stream is not None:
                    yield entry.name.removeprefix("./"), stream.read()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def look_up() -> dict[str, str]:
    """SHA-256 of the file that pip would install of each, on a machine like this one. Raises SystemExit where pip cannot tell."""
    parts = closure(asked_for(SERVER))
    lines = [f"{part.name}=={part.version}" for part in parts.values()]
    words = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--disable-pip-version-check", "--report", "-"]
    done = subprocess.run([sys.executable, "-m", "pip", *words, *lines], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"digests could not be looked up: {done.stderr.strip()[-500:]}")
    found = {}
    for row in json.loads(done.stdout)["install"]:
        digest = (row.get("download_info", {}).get("archive_info", {}).get("hashes") or {}).get("sha256")
        if digest:
            found[_key(row["metadata"]["name"])] = digest
    return found


def write(dist: Path, moment: int, looked_up: Mapping[str, str] | None = None) -> list[Path]:
    """A bill beside each artefact."""
    written = []
    for artefact in artefacts(dist):
        target = dist / f"{artefact.name}{SUFFIX}"
        text = json.dumps(bill(artefact, moment, looked_up), ensure_ascii=False, indent=1, sort_keys=True)
        target.write_text(text + "\n", "utf-8")
        written.append(target)
    return written


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.release.sbom", description=__doc__)
    parser.add_argument("--dist", type=Path, default=source.DIST)
    parser.add_argument("--look-up", action="store_true", help="ask pip for the digests of packages")
    options = parser.parse_args(argv)
    written = write(options.dist, source.moment(), look_up() if options.look_up else None)
    if not written:
        raise SystemExit(f"{options.dist} holds no artefact: make dist")
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
