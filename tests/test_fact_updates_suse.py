"""zypper's answers: damage never looks like "up to date", and nothing is asked that would make zypper download."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts import updates
from collectors.linux import kernels, zypper, zypper_repos
from collectors.linux.rpm import Nevra, Rpm
from collectors.transports.base import Answer
from collectors.transports.replay import NotRecorded, ReplayShell

CASES = Path(__file__).parent / "cases" / "updates"
BLOCKED, LOCKED = (
    yaml.safe_load((CASES / name / "transcript.yaml").read_text("utf-8"))
    for name in ("sles15--patch-of-zypper-blocks-security-patches", "sles15--locked-package-and-locked-patch")
)


def answers(transcript: dict[str, Any], word: str, **change: Any) -> ReplayShell:
    """The recording with the answer to the command that has this word changed."""
    runs = [{**run, **change} if word in run["argv"] else run for run in transcript["run"]]
    assert runs != transcript["run"]
    return ReplayShell({**transcript, "run": runs})


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_cut_answer_is_never_fewer_updates(data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(["list-updates", "list-patches", "search"]))
    whole = next(run["out"] for run in BLOCKED["run"] if word in run["argv"])
    cut = whole[: data.draw(st.integers(0, len(whole.rstrip()) - 1))]
    fact = updates.zypper(answers(BLOCKED, word, out=cut))
    # the table of conflicts may lose lines of patches that are not for security
    assert fact.security_count in ((None, 3) if word == "search" else (None,))
    assert fact.pending_count in (7, None)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["list-updates", "list-patches", "search", "-qa"]),
    st.text(max_size=150),
    st.sampled_from([0, 4, 7, 104, 106]),
)
def test_garbage_is_no_crash_and_no_smaller_count(word: str, garbage: str, status: int) -> None:
    fact = updates.zypper(answers(LOCKED, word, out=garbage, status=status))
    assert fact.security_count in (None, 3)
    assert fact.held_security_count in (None, 1)


@settings(deadline=None, max_examples=150)
@given(st.text("[]=\n abcdeb0/:.#{};*\"'", max_size=120))
def test_files_end_with_a_value_or_a_collect_error(text: str) -> None:
    for path in [path for path in LOCKED["read"] if path.startswith(("/etc/zypp", "/etc/sysconfig", "/var/cache/zypp"))]:
        fact = updates.zypper(ReplayShell({**LOCKED, "read": {**LOCKED["read"], path: text}}))
        assert fact.pending is None or fact.pending_count in (4, 5, 6)


@pytest.mark.parametrize(
    ("out", "status", "error"),
    [
        ("<stream><update-status/></stream>", 0, None),
        ("<stream></stream>", 0, Unparsable),
        ("", 0, Unparsable),
        ("", 127, Unsupported),
        ('<stream><message type="error">Bad.</message><update-status/></stream>', 0, Unparsable),
        ('<stream><message type="warning">Skipping repository a</message><update-status/></stream>', 0, Unparsable),
        ('<stream><update-status><appletinfo status="no-update-repositories"/></update-status></stream>', 0, Unsupported),
        ('<!DOCTYPE x [<!ENTITY a "b">]><stream><update-status/></stream>', 0, Unparsable),
        ("<stream><update-status/></stream>", 4, Unparsable),
    ],
)
def test_what_counts_as_an_answer(out: str, status: int, error: type[CollectError] | None) -> None:
    answer = Answer(("zypper",), status, out, "")
    if error is None:
        assert zypper._document(answer, "update-status") is not None
    else:
        with pytest.raises(error):
            zypper._document(answer, "update-status")


def test_zypper_is_not_asked_while_something_was_never_fetched() -> None:
    """It would download, --no-refresh or not: the replay fails on any command that was not recorded."""
    case = CASES / "sles15--nothing-ever-fetched" / "transcript.yaml"
    transcript = yaml.safe_load(case.read_text("utf-8"))
    assert [run["argv"][0] for run in transcript["run"]] == ["rpm"]
    with pytest.raises(NotRecorded):
        ReplayShell(transcript).run("zypper", "--xmlout", "--non-interactive", "--no-refresh", "list-updates")
    assert updates.zypper(ReplayShell(transcript)).pending is None


def row(name: str, version: str, release: str, epoch: str = "(none)") -> Rpm:
    return Rpm(Nevra(name, epoch, version, release, "x86_64"), 1)


def test_a_needed_patch_that_names_nothing_installed_is_no_answer() -> None:
    wanted = (zypper.Patch("P-1", "critical"),)
    with pytest.raises(Unparsable, match="P-1"):
        zypper.newer((row("a", "1", "1"),), (), (), wanted, (zypper.Mended("P-1", "b.x86_64", "2-1"),))


def test_of_two_patches_the_worse_one_is_named_and_the_newer_version_counts() -> None:
    wanted = (zypper.Patch("P-1", "moderate"), zypper.Patch("P-2", "critical"))
    parts = (zypper.Mended("P-1", "a.x86_64", "1:3-1"), zypper.Mended("P-2", "a.x86_64", "1:2-1"))
    (found,) = zypper.newer((row("a", "1", "1", "1"),), (zypper.Update("a", "x86_64", "1:2-1"),), (), wanted, parts)
    assert (found.candidate, found.advisory, found.severity) == ("1:3-1", "P-2", "critical")


def test_a_patch_of_the_kernel_is_in_when_the_newest_kernel_has_it() -> None:
    installed = (row("kernel-default", "5", "1.1"), row("kernel-default", "5", "2.1"))
    parts = (zypper.Mended("P-1", "kernel-default.x86_64", "5-2.1"),)
    assert zypper.newer(installed, (), (), (zypper.Patch("P-1", "important"),), parts) == ()


@pytest.mark.parametrize(
    ("lock", "name", "holds"),
    [
        (("package", "kernel*", "glob"), "kernel-default", True),
        (("package", "kernel", "glob"), "kernel-default", False),
        (("package", "kernel", "substring"), "kernel-default", True),
        (("package", "^k.*t$", "regex"), "kernel-default", True),
        (("package", "kernel-default", "exact"), "kernel-default", True),
        (("patch", "kernel*", "glob"), "kernel-default", False),
        (("package,patch", "k*", "glob"), "kernel-default", True),
    ],
)
def test_what_a_lock_names(lock: tuple[str, str, str], name: str, holds: bool) -> None:
    assert zypper_repos.Lock(*lock).holds(name) is holds


@pytest.mark.parametrize(
    ("release", "running"),
    [
        ("5.14.21-150500.55.52-default", "5.14.21-150500.55.52.1"),
        # the number of a rebuild is left out, not shortened: 55.5 is another kernel than 55.52
        ("5.14.21-150500.55.5-default", None),
        ("6.4.0-1-rt", None),
    ],
)
def test_which_package_the_running_kernel_is(release: str, running: str | None) -> None:
    installed = (row("kernel-default", "5.14.21", "150500.55.52.1"), row("kernel-default", "5.14.21", "150500.55.80.2"))
    told = {kernels.FILES[0]: release + "\n"}
    if running is None:
        with pytest.raises(Unsupported):
            kernels.suse(told, installed)
    else:
        assert kernels.suse(told, installed) == (running, "5.14.21-150500.55.80.2", True)


@pytest.mark.parametrize(
    ("aou", "cron", "on"),
    [
        ('AOU_ENABLE_CRONJOB="true"\nAOU_PATCH_CATEGORIES=""\n', True, True),
        ('AOU_ENABLE_CRONJOB="true"\nAOU_PATCH_CATEGORIES="recommended security"\n', True, True),
        ('AOU_ENABLE_CRONJOB="true"\nAOU_PATCH_CATEGORIES="recommended"\n', True, False),
        ('AOU_ENABLE_CRONJOB="true"\n', False, False),
        ('AOU_ENABLE_CRONJOB="false"\n', True, False),
        (None, True, False),
    ],
)
def test_when_patches_install_themselves(aou: str | None, cron: bool, on: bool) -> None:
    links = ["/etc/cron.daily/opensuse.org-online_update"] if cron else []
    names = {"/etc/systemd/system/*.wants/*-update.timer": [], "/etc/cron.*/opensuse.org-online_update": links}
    assert zypper_repos.automatic(ReplayShell({"read": {zypper_repos.AOU: aou}, "names": names})) is on
