"""What recorded cases of `logs` cannot say: parsers refuse in words, and nothing broken makes a trail look whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.logs import linux
from collectors.linux.audit_rules import parse_rules, topics
from collectors.linux.logrotate import parse_rotation, rule_for
from collectors.linux.rsyslog_config import covers_logons, parse_rsyslog
from collectors.linux.syslog_ng_config import parse_syslog_ng
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("logs")
PARSERS: dict[str, Callable[[str], Any]] = {
    "audit rules": lambda text: topics(parse_rules(text)),
    "rsyslog": lambda text: parse_rsyslog({"/etc/rsyslog.conf": text}),
    "syslog-ng": lambda text: parse_syslog_ng({"/etc/syslog-ng/syslog-ng.conf": text}),
    "logrotate": lambda text: [rule.keeps_days() for rule in parse_rotation({"/etc/logrotate.conf": text})],
    "selector": covers_logons,
}
RULES = next(
    run["out"]
    for case in TRANSCRIPTS
    if "hardening guide" in case["about"]
    for run in case["run"]
    if run["argv"] == ["auditctl", "-l"]
)


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS.keys())
@settings(deadline=None)
@given(text=NOISE)
def test_garbage_is_refused_in_words(parser: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(CollectError):
        parser(text)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 80), text=NOISE)
def test_a_garbled_answer_costs_only_what_rests_on_it(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = linux(changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    for field in type(fact).model_fields:
        # journal_persistent is None, by its description, where there is no journald
        assert getattr(fact, field) is not None or field in named or field == "journal_persistent", field


@settings(deadline=None)
@given(share=st.floats(0, 1))
@example(share=0.5)
def test_a_cut_off_list_of_rules_never_watches_more(share: float) -> None:
    with contextlib.suppress(CollectError):
        assert set(topics(parse_rules(RULES[: int(len(RULES) * share)]))) <= set(topics(parse_rules(RULES)))


@settings(deadline=None)
@given(st.permutations(RULES.splitlines()))
def test_rules_are_a_set(lines: list[str]) -> None:
    assert topics(parse_rules("\n".join(lines) + "\n")) == topics(parse_rules(RULES))


@settings(deadline=None)
@given(st.integers(0, 40))
def test_each_topic_needs_all_of_it(left_out: int) -> None:
    """Without any one rule, either that rule's topic is gone or another rule still says the same."""
    lines = RULES.splitlines()
    gone = lines.pop(left_out % len(lines))
    key = gone.rpartition("=")[2].rpartition(" ")[2]
    expendable = ("scope", "user_emulation") if "sudoers" not in gone else ()
    before, after = set(topics(parse_rules(RULES))), set(topics(parse_rules("\n".join(lines) + "\n")))
    same = any(word in gone for word in ("arch=b32", "issue", "networks", "/etc/network ", "opasswd", "gshadow", "apparmor"))
    assert after < before or same or key in expendable


@pytest.mark.parametrize(
    ("selector", "covered"),
    [
        ("auth,authpriv.*", True), ("*.*;auth,authpriv.none", False), ("*.info;mail.none", True), ("authpriv.=info", False), ("*.err", False),
        ("*.*;authpriv.!*", False), ("auth.*", False), ("authpriv.debug", True), ("*.=debug;auth,authpriv.none;news.none", False), ("*.none;authpriv.info", True),
    ],
)  # fmt: skip
def test_selectors_that_carry_log_ons(selector: str, covered: bool) -> None:
    assert covers_logons(selector) is covered


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("*.* @10.1.1.1", [("10.1.1.1", 514, "udp", False, True)]),
        ("*.* @@(o,z9)[2001:db8::1]:10514;RSYSLOG_ForwardFormat", [("2001:db8::1", 10514, "tcp", False, True)]),
        ("$DefaultNetstreamDriver gtls\n$ActionSendStreamDriverMode 1\n*.* @@siem:6514", [("siem", 6514, "tcp", True, True)]),
        ("# *.* @@siem\n/* *.* @@siem */", []),
        (
            'action(type="omfwd" target="siem" port="6514" protocol="tcp" StreamDriverMode="1")',
            [("siem", 6514, "tcp", False, True)],
        ),
        (
            'action(type="omfwd" target="siem" port="6514" protocol="tcp" StreamDriverMode="1" StreamDriver="ossl")',
            [("siem", 6514, "tcp", True, True)],
        ),
        ("auth,authpriv.* /var/log/auth.log\n& stop\n*.* @@siem", [("siem", 514, "tcp", False, False)]),
        ("if $msg contains 'x' then stop\n*.* @@siem", [("siem", 514, "tcp", False, None)]),
        ("if $programname == 'haproxy' then { /var/log/h.log\nstop }\n*.* @@siem", [("siem", 514, "tcp", False, True)]),
        ("local4.* @@siem", [("siem", 514, "tcp", False, False)]),
        ('ruleset(name="r") { action(type="omrelp" target="siem" port="2514") }', [("siem", 2514, "relp", False, None)]),
    ],
)
def test_where_rsyslog_sends(text: str, sent: list[tuple[Any, ...]]) -> None:
    assert [tuple(send) for send in parse_rsyslog({"/etc/rsyslog.conf": text}).sends] == sent


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("weekly\nrotate 4\n/var/log/a { }", 28),
        ("weekly\nrotate 4\n/var/log/*\n{\n daily\n rotate 90\n}", 90),
        ("/var/log/a {\n monthly\n rotate 12\n maxage 100\n}", 100),
        ("daily\n/var/log/a {\n rotate 7\n postrotate\n rotate 900\n endscript\n}", 7),
        ("/var/log/a {\n daily\n rotate -1\n}", "unlimited"),
        ("/var/log/a {\n daily\n rotate 0\n}", 0),
        ("/var/log/a {\n daily\n}", 0),
        ("/var/log/a {\n hourly\n rotate 48\n}", 2),
    ],
)
def test_days_a_file_is_kept(text: str, days: int | str) -> None:
    rule = rule_for(parse_rotation({"/etc/logrotate.conf": text}), "/var/log/a")
    assert rule is not None
    assert rule.keeps_days() == days


@pytest.mark.parametrize("word", ["size 100M", "maxsize 1G", "rotate 9\n size=5k"])
def test_files_turned_by_size_promise_no_time(word: str) -> None:
    (rule,) = parse_rotation({"/etc/logrotate.conf": f"/var/log/a {{\n daily\n rotate 90\n {word}\n}}"})
    with pytest.raises(CollectError):
        rule.keeps_days()
