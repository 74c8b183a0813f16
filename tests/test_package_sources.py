"""Package sources: where they lie, whether signatures are asked for, and that no password of an address survives."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.errors import Unparsable, Unsupported
from collectors.linux import dnf_repos, package_sources, zypper_repos
from collectors.linux.package_sources import Source, place
from collectors.transports.local import RootShell

SECRET = "Zx9secretQ"


def root(tmp_path: Path, **files: str) -> RootShell:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return RootShell(str(tmp_path))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://deb.example/debian", ("https", "deb.example")),
        ("HTTP://Deb.Example:8080/x", ("http", "deb.example")),
        ("https://[2001:db8::7]:443/x", ("https", "[2001:db8::7]")),
        ("http://10.0.0.7", ("http", "10.0.0.7")),
        ("http://deb.example?token=x", ("http", "deb.example")),
        ("tor+https://deb.example/x", ("tor+https", "deb.example")),
        ("mirror+file:/etc/apt/mirrors/debian.list", ("mirror+file", None)),
        ("file:///srv/debian", ("file", None)),
        ("file:/srv/debian", ("file", None)),
        ("/srv/debian", ("file", None)),
        ("dir:///srv/sles", ("dir", None)),
        ("cdrom:[Debian 12]/", ("cdrom", None)),
        ("https://$mirror/x", ("https", None)),
        ("https://download.example/$releasever/x", ("https", "download.example")),
        (f"https://bob:{SECRET}@deb.example/x", ("https", "deb.example")),
        (f"https://bob:p@{SECRET}@deb.example/x", ("https", "deb.example")),
        (f"https://{SECRET}@deb.example/x", ("https", "deb.example")),
        (f"plugin:/susecloud?credentials={SECRET}", ("plugin", None)),
    ],
)
def test_of_an_address_scheme_and_host_are_kept(address: str, expected: tuple[str, str | None]) -> None:
    assert place(address) == expected


@pytest.mark.parametrize("address", [f"https://bob:{SECRET}", f"{SECRET}", f"https://a b{SECRET}/"])
def test_an_address_that_cannot_be_read_is_not_quoted(address: str) -> None:
    with pytest.raises(Unparsable) as caught:
        place(address)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "signed"),
    [
        ("deb http://deb.example/debian bookworm main", True),
        ("deb [signed-by=/etc/apt/keyrings/x.gpg arch=amd64] http://deb.example/debian bookworm main", True),
        ("deb [trusted=yes] http://deb.example/debian bookworm main", False),
        ("deb [ arch=amd64 Trusted=YES ] http://deb.example/debian bookworm main", False),
        ("deb [allow-insecure=yes] http://deb.example/debian bookworm main", False),
        ("deb [trusted=no] http://deb.example/debian bookworm main", True),
    ],
)
def test_apt_one_line(tmp_path: Path, line: str, signed: bool) -> None:
    shell = root(
        tmp_path, **{"etc/apt/sources.list": f"# deb http://off.example x main\n{line}\ndeb-src http://src.example x main\n"}
    )
    assert package_sources.apt(shell) == (Source("bookworm main", "http", "deb.example", signed),)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [("one.example", True), ("two.example", True)]),
        ("Trusted: yes\n", [("one.example", False), ("two.example", False)]),
        ("Allow-Insecure: yes\n", [("one.example", False), ("two.example", False)]),
        ("Enabled: no\n", []),
    ],
)
def test_apt_deb822(tmp_path: Path, words: str, expected: list[tuple[str, bool]]) -> None:
    text = f"Types: deb\nURIs: https://one.example/d\n https://two.example/d\nSuites: trixie\nComponents: main\n{words}"
    found = package_sources.apt(root(tmp_path, **{"etc/apt/sources.list.d/debian.sources": text}))
    assert [(one.host, one.signed) for one in found] == expected


@pytest.mark.parametrize(
    ("conf", "signed"),
    [
        ('APT::Get::AllowUnauthenticated "true";', False),
        ('Acquire { AllowInsecureRepositories "1"; };', False),
        ('Acquire::AllowDowngradeToInsecureRepositories "yes";', False),
        ('APT::Get::AllowUnauthenticated "false";', True),
    ],
)
def test_what_apt_is_told_for_all_sources(tmp_path: Path, conf: str, signed: bool) -> None:
    files = {"etc/apt/sources.list": "deb http://deb.example/debian bookworm main\n", "etc/apt/apt.conf.d/99site": conf + "\n"}
    assert [one.signed for one in package_sources.apt(root(tmp_path, **files))] == [signed]


@pytest.mark.parametrize(
    ("main", "own", "signed"),
    [
        ("gpgcheck=1", "", True),
        ("", "", False),
        ("gpgcheck=1", "gpgcheck=0", False),
        ("gpgcheck=0", "gpgcheck=1", True),
        ("", "repo_gpgcheck=1", True),
        ("gpgcheck=True", "", True),
    ],
)
def test_dnf(tmp_path: Path, main: str, own: str, signed: bool) -> None:
    files = {
        "etc/dnf/dnf.conf": f"[main]\n{main}\n",
        "etc/yum.repos.d/a.repo": f"[a]\nmirrorlist=https://mirrors.example/list?arch=$basearch\n{own}\n[off]\nenabled=0\n",
    }
    config = dnf_repos.config(root(tmp_path, **files))
    assert package_sources.dnf(config) == (Source("a", "https", "mirrors.example", signed),)


def test_dnf_with_several_addresses_and_with_none(tmp_path: Path) -> None:
    two = "[a]\nbaseurl=https://one.example/x\n  http://two.example/x\nmetalink=https://three.example/m\ngpgcheck=1\n"
    shell = root(tmp_path, **{"etc/yum.repos.d/a.repo": two})
    assert {one.host for one in package_sources.dnf(dnf_repos.config(shell))} == {"one.example", "two.example", "three.example"}
    shell = root(tmp_path, **{"etc/yum.repos.d/a.repo": "[a]\nname=a\n"})
    with pytest.raises(Unparsable):
        package_sources.dnf(dnf_repos.config(shell))


def test_dnf_told_to_look_elsewhere_is_not_known(tmp_path: Path) -> None:
    shell = root(
        tmp_path, **{"etc/dnf/dnf.conf": "[main]\nreposdir=/srv/repos\n", "etc/yum.repos.d/a.repo": "[a]\nbaseurl=file:///a\n"}
    )
    with pytest.raises(Unsupported, match="/srv/repos"):
        package_sources.dnf(dnf_repos.config(shell))


@pytest.mark.parametrize(
    ("conf", "own", "signed"),
    [
        ("", "", True),
        ("", "gpgcheck=0", False),
        ("gpgcheck = off", "", False),
        ("gpgcheck = off", "gpgcheck=1", True),
        ("# gpgcheck = off", "", True),
        ("", "gpgcheck=0\npkg_gpgcheck=1", True),
        ("pkg_gpgcheck = off", "", False),
    ],
)
def test_zypper(tmp_path: Path, conf: str, own: str, signed: bool) -> None:
    files = {
        "etc/zypp/zypp.conf": f"[main]\n{conf}\n",
        "etc/zypp/repos.d/a.repo": f"[a]\nenabled=1\nbaseurl=https://updates.example/x?{SECRET}\n{own}\n",
    }
    shell = root(tmp_path, **files)
    assert package_sources.zypper(shell, zypper_repos.enabled(shell)) == (Source("a", "https", "updates.example", signed),)
