"""The services fact: what recorded cases cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable
from collectors.facts.services import at_boot, linux, unit
from collectors.linux import services_legacy
from collectors.transports.replay import ReplayShell

CASES = Path(__file__).parent / "cases/services"


@given(st.text(max_size=120))
def test_any_line_is_a_unit_or_unparsable(line: str) -> None:
    try:
        found = unit(line)
    except Unparsable:
        return
    assert "." in found.name


@given(st.text(max_size=200))
def test_any_text_of_xinetd_is_services_or_unparsable(text: str) -> None:
    try:
        found = services_legacy.xinetd(text, "/etc/xinetd.d/x")
    except Unparsable:
        return
    assert not found or "service" in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("service telnet\n{\n disable = no\n}\n", {"telnet"}),
        ("service telnet\n{\n flags = REUSE\n}\n", {"telnet"}),
        ("service telnet\n{\n disable = YES\n}\n", set()),
        ("service shell\n{\n disable = no\n}\nservice login\n{\n disable = no\n}\n", {"rsh", "rlogin"}),
        ("service http\n{\n disable = no\n}\n", set()),
    ],
)
def test_a_service_of_xinetd_is_on_unless_it_says_off(text: str, found: set[str]) -> None:
    assert services_legacy.xinetd(text, "x") == found


@pytest.mark.parametrize(
    "text", ["service telnet\n{\n disable = no\n", "}\n", "{\n}\n", "service telnet\n{\n disable no\n}\n", "hello\n"]
)
def test_a_broken_file_of_xinetd_is_refused(text: str) -> None:
    with pytest.raises(Unparsable):
        services_legacy.xinetd(text, "x")


def test_a_name_longer_than_the_kernel_keeps_is_still_recognised() -> None:
    assert services_legacy.tags((), ["pure-ftpd-mysql"[:15]]) == {"ftp"}
    assert services_legacy.tags((), ["inetutils-telnetd"[:15]]) == {"telnet"}


def test_boot_links_of_users_and_of_other_targets_do_not_count() -> None:
    links = (
        "/etc/systemd/user/default.target.wants/a.service",
        "/lib/systemd/system/rescue.target.wants/b.service",
        "/etc/systemd/system/x.d/c.service",
    )
    assert at_boot((*links, "/run/systemd/generator.late/multi-user.target.wants/d.service")) == {"d.service"}


def _transcript(name: str) -> ReplayShell:
    return ReplayShell.load(CASES / name / "transcript.yaml")


@pytest.mark.parametrize("case", sorted(path.parent.name for path in CASES.glob("[!w]*/transcript.yaml")))  # not Windows
def test_the_name_of_a_community_never_gets_into_the_fact(case: str) -> None:
    shell = _transcript(case)
    path = "/etc/snmp/snmpd.conf"
    if isinstance(shell._transcript.get("read", {}).get(path), str):
        shell._transcript["read"][path] = shell._transcript["read"][path].replace("(redacted)", "s3cr3t-c0mmunity")
    try:
        said = linux(shell).model_dump_json()
    except CollectError as error:
        said = str(error)
    assert "s3cr3t-c0mmunity" not in said


@given(st.data())
def test_a_list_of_units_cut_within_a_line_never_gives_a_list(data: st.DataObject) -> None:
    shell = _transcript("debian12--failed-not-found-and-inactive-units")
    (run,) = shell._runs.values()
    whole = run["out"]
    length = data.draw(st.integers(1, len(whole) - 1).filter(lambda at: whole[at - 1] != "\n"))
    run["out"] = whole[:length]
    fact = linux(shell)
    assert fact.failed is None
    assert fact.legacy is None
