"""SHA256SUMS and its signature, checked as whoever receives a release checks it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.release import sign, source

pytestmark = pytest.mark.system
WHO = "phat-hanh@rasoat.example"


@pytest.fixture(autouse=True)
def _tool() -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs the Debian package openssh-client")


def key(folder: Path, name: str) -> Path:
    """A throwaway one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    return folder / name


@pytest.fixture
def released(tmp_path: Path) -> tuple[Path, Path, Path]:
    """dist/, the releaser's key, and the receiver's list of who may sign."""
    dist = tmp_path / "dist"
    dist.mkdir()
    for name in ("rasoat-agent", "rasoat-1.0.0-py3-none-any.whl", "rasoat-agent.cdx.json"):
        (dist / name).write_bytes(name.encode() * 100)
    own = key(tmp_path, "own")
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(f'{WHO} namespaces="{sign.NAMESPACE}" {own.with_suffix(".pub").read_text()}')
    sign.sums(dist)
    sign.sign(dist, own)
    return dist, own, allowed


def test_what_was_signed_is_believed(released: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    dist, _own, allowed = released
    assert sign.verify(dist, allowed, WHO) == ["rasoat-1.0.0-py3-none-any.whl", "rasoat-agent", "rasoat-agent.cdx.json"]
    assert sign.main(["--dist", str(dist), "--verify", "--allowed", str(allowed), "--identity", WHO]) == 0
    assert "3 files" in capsys.readouterr().out


def test_openssh_and_coreutils_are_enough(released: tuple[Path, Path, Path]) -> None:
    """The commands of docs/release.md."""
    dist, _own, allowed = released
    words = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", WHO, "-n", "rasoat-release", "-s", "SHA256SUMS.sig"]
    assert subprocess.run(words, cwd=dist, input=(dist / "SHA256SUMS").read_bytes(), capture_output=True).returncode == 0
    assert subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=dist, capture_output=True).returncode == 0


def test_a_changed_artefact_is_refused_by_name(released: tuple[Path, Path, Path]) -> None:
    dist, _own, allowed = released
    raw = bytearray((dist / "rasoat-agent").read_bytes())
    raw[7] ^= 1
    (dist / "rasoat-agent").write_bytes(raw)
    with pytest.raises(sign.Refused, match=r"changed: rasoat-agent$"):
        sign.verify(dist, allowed, WHO)


def test_a_changed_list_is_refused(released: tuple[Path, Path, Path]) -> None:
    dist, _own, allowed = released
    (dist / "rasoat-agent").write_bytes(b"something else")
    fresh = f"{sign.digest(dist / 'rasoat-agent')}  rasoat-agent\n"
    told = (dist / sign.SUMS).read_text().splitlines(keepends=True)
    (dist / sign.SUMS).write_text("".join(fresh if line.endswith("  rasoat-agent\n") else line for line in told))
    with pytest.raises(sign.Refused, match="ignature"):
        sign.verify(dist, allowed, WHO)


def test_another_key_is_refused(released: tuple[Path, Path, Path], tmp_path: Path) -> None:
    dist, _own, allowed = released
    sign.sums(dist)
    sign.sign(dist, key(tmp_path, "other"))
    with pytest.raises(sign.Refused):
        sign.verify(dist, allowed, WHO)


def test_a_signature_for_something_else_is_refused(released: tuple[Path, Path, Path]) -> None:
    dist, own, allowed = released
    (dist / sign.SIGNATURE).unlink()
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", own, "-n", "file", dist / sign.SUMS], check=True, capture_output=True)
    with pytest.raises(sign.Refused):
        sign.verify(dist, allowed, WHO)


@pytest.mark.parametrize("name", ["rasoat-agent", sign.SUMS, sign.SIGNATURE])
def test_what_is_missing_is_told(released: tuple[Path, Path, Path], name: str) -> None:
    dist, _own, allowed = released
    (dist / name).unlink()
    with pytest.raises(sign.Refused, match=name):
        sign.verify(dist, allowed, WHO)


def test_what_nobody_signed_is_told(released: tuple[Path, Path, Path]) -> None:
    dist, _own, allowed = released
    (dist / "install.sh").write_text("#!/bin/sh\n")
    with pytest.raises(sign.Refused, match=r"nobody signed install\.sh"):
        sign.verify(dist, allowed, WHO)


def test_a_new_list_is_not_signed_by_the_old_signature(released: tuple[Path, Path, Path]) -> None:
    dist, _own, allowed = released
    sign.sums(dist)
    with pytest.raises(sign.Refused, match=r"no SHA256SUMS\.sig"):
        sign.verify(dist, allowed, WHO)


def test_a_key_in_the_repository_is_not_used(released: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    inside = source.ROOT / "release.key"
    assert sign.main(["--dist", str(released[0]), "--key", str(inside)]) == 1
    assert "no place there" in capsys.readouterr().err
    assert not (released[0] / sign.SIGNATURE).exists()
