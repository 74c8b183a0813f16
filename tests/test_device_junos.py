"""Junos: no secret survives, what is no whole configuration is not believed, and what state commands say."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.juniper_junos.access import _ways
from collectors.devices.juniper_junos.filtering import _hits
from collectors.devices.juniper_junos.network import _chassis, _cluster, _power
from collectors.devices.juniper_junos.system import _follows, _saved, _status
from collectors.devices.juniper_junos.text import Version
from collectors.devices.redaction import clean
from collectors.devices.syntax.junos import parse
from collectors.errors import Denied, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.model import Platform, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice

OS = device_os(Platform.JUNIPER_JUNOS)
WHOLE = (Path(__file__).parent / "devices" / "juniper_junos--switch-hardened" / "running.txt").read_text("utf-8")

SECRET = st.text(string.ascii_letters + string.digits + "+/=_!@%^&.-", min_size=9, max_size=60).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and not text.isdigit()
)
PLACES = (
    'encrypted-password "$6$saltsalt${}"; ## SECRET-DATA',
    'encrypted-password "{}"; ## SECRET-DATA',
    'secret "$9${}"; ## SECRET-DATA',
    'secret "$8$aes256-gcm$hmac-sha2-256$100${}"; ## SECRET-DATA',
    "secret {};",
    'inactive: secret "{}";',
    'authentication-key "$9${}"; ## SECRET-DATA',
    'authentication-key 1 type md5 value "$9${}"; ## SECRET-DATA',
    "authentication-key 1 type sha256 value {};",
    'hello-authentication-key "{}";',
    'simple-password "{}";',
    'md5 1 key "$9${}";',
    'md5 1 key "{}" start-time 2026-1-1.00:00:00;',
    'pre-shared-key ascii-text "$9${}"; ## SECRET-DATA',
    "pre-shared-key hexadecimal {};",
    'authentication-password "{}";',
    'privacy-key "$9${}";',
    'cak "$9${}"; ## SECRET-DATA',
    "cak {};",
    "community {} {{ authorization read-only; }}",
    'community "{} x" {{ authorization read-only; }}',
    "trap-group {} {{ version v2; }}",
    'community-name "$9${}";',
    '"scp://saoluu@10.0.0.1/x" password "$9${}"; ## SECRET-DATA',
    '"ftp://saoluu:{}@10.0.0.1/x";',
    'description "password {}";',
    'description "snmp community: {} (cũ)";',
    'message "Chào\\nMật khẩu: {}\\nhết";',
    'message "nói \\"password {}\\" thôi";',
    "/* mat khau {} */ host-name x;",
    "/* password\n {} */ host-name x;",
    'ssh-rsa "{}"; ## SECRET-DATA',
)


def placed(place: str, secret: str) -> str:
    said = place.replace("{{", "\0").replace("}}", "\1").replace("{}", secret).replace("\0", "{").replace("\1", "}")
    return f"system {{\n    a {{\n        {said}\n        after z;\n    }}\n}}\n"


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=30, deadline=None)
@given(secret=SECRET)
def test_a_secret_survives_nowhere(place: str, secret: str) -> None:
    assume(secret not in place)
    redacted = clean(OS, placed(place, secret))
    assert secret not in redacted
    assert clean(OS, redacted) == redacted


MESSY = Path(__file__).parent / "devices" / "juniper_junos--firewall-messy"


@settings(max_examples=10, deadline=None)
@given(drawn=st.text(string.ascii_letters + string.digits, min_size=8, max_size=26))
def test_a_secret_stands_in_no_fact(drawn: str) -> None:
    """Wherever the recording of a badly kept firewall holds one."""
    secret = f"Qz7{drawn}"  # a drawn word alone may be a word of the snapshot itself: "architecture" is
    recording = yaml.safe_load((MESSY / "transcript.yaml").read_text("utf-8"))
    text = (MESSY / "running.txt").read_text("utf-8")
    assume(secret not in text)
    planted = [f"{secret}{number}" for number, _ in enumerate(recording["must_not_survive"])]
    for known, new in zip(recording["must_not_survive"], planted, strict=True):
        text = text.replace(known, new)
    text = text.replace('description "mang noi bo', f'description "password:{secret}z"; description "mang noi bo')
    recording["commands"]["show configuration | no-more"] = text
    found = collect(Target(name="x", via="replay"), ReplayDevice(recording, MESSY)).model_dump_json()
    assert "ge-0/0/1.0" in found
    assert secret not in found


@pytest.mark.parametrize("place", PLACES)
def test_redacting_leaves_a_configuration_that_reads_the_same(place: str) -> None:
    before = parse(placed(place, "Qz7Vx9Km2Wp5")).at("system", "a")
    after = parse(clean(OS, placed(place, "Qz7Vx9Km2Wp5"))).at("system", "a")
    assert before is not None
    assert after is not None
    same = [word for word in before.nodes if "Qz7Vx9Km2Wp5" not in word]
    assert [word for word in after.nodes if "redacted" not in word] == same
    assert after.nodes.keys() >= {"after"}


@pytest.mark.parametrize(
    "line",
    [
        "password {",
        "authentication-order [ tacplus password ];",
        "permissions [ secret view secret-control ];",
        "macs [ hmac-md5 hmac-sha1 ];",
        "trusted-key [ 1 2 ];",
        "server 10.0.0.1 key 7 version 4 prefer;",
        "server 10.0.0.1 key 7 routing-instance mgmt_junos;",
        "community [ A B ];",
        "community A members 64500:1;",
        "then community add A;",
        "secret /* SECRET-DATA */; ## SECRET-DATA",
        "login { /* ACCESS-DENIED */ }",
        "authentication-key-chain CHUOI;",
    ],
)
def test_words_that_hold_no_secret_stay(line: str) -> None:
    assert clean(OS, line) == line


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("                     ^\nsyntax error, expecting <command>.\n", Unsupported),
        ("unknown command.\n", Unsupported),
        ("error: permission denied: configuration\n", Denied),
        (WHOLE[: len(WHOLE) // 2], Unparsable),
        (WHOLE.replace("    host-name EX-TANG2;", "    host-name EX-TANG3;"), Unparsable),
        (WHOLE.replace("version 21.4R3-S5.4;", ""), Unparsable),
        (WHOLE + "---(more 40%)---", Unparsable),
    ],
)
def test_what_is_no_configuration_is_not_believed(said: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        OS.reading("show configuration | no-more", said, "EX-TANG2")


def test_only_reading_commands_are_permitted() -> None:
    for command in (
        "configure",
        "edit",
        "request system reboot",
        "set cli screen-length 0",
        "start shell",
        "show x\nconfigure",
        "clear log x",
    ):
        assert not OS.permits(command)


# --- what state commands say ------------------------------------------------------------------------------------------


class Said:
    """A device that answers everything with the same text."""

    platform = "juniper_junos"
    prompt_name = "x"
    privileged = True
    legacy_crypto = None

    def __init__(self, text: str) -> None:
        self._text = text

    def ask(self, command: str, *, timeout: float = 0.0) -> str:
        return OS.reading(command, self._text, self.prompt_name)


ONE = "Power Power Supply 0                 OK\n"
TWO = ONE + "      Power Supply 1                 OK\n"


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (TWO, True),
        (ONE, False),
        (ONE + "      Power Supply 1                 Absent\n", False),
        # one supply in each of two nodes, or members, is none too many
        (f"node0:\n{ONE}\nnode1:\n{ONE}", False),
        (f"node0:\n{TWO}\nnode1:\n{TWO}", True),
        ("Power FPC 0 Power Supply 0           OK\n      FPC 1 Power Supply 0           OK\n", False),
        ("Temp  PEM 0                          OK         35 degrees C / 95 degrees F\n      PEM 1                          Check\n", False),
        ("Temp  PEM 0                          OK         35 degrees C\n      PEM 1                          OK         35 degrees C\n", True),
    ],
)  # fmt: skip
def test_a_second_power_supply_works_in_each_chassis(text: str, second: bool) -> None:
    assert _power(Said(text)) is second


def test_a_table_without_power_supplies_says_nothing() -> None:
    with pytest.raises(Unparsable):
        _power(Said("Temp  CPU                            OK         41 degrees C\n"))


CLUSTER = """
Cluster ID: 1
Node   Priority Status               Preempt Manual   Monitor-failures

Redundancy group: 0 , Failover count: 1
node0  100      primary              no      no       None
node1  50       {0}            no      no       None

Redundancy group: 1 , Failover count: 1
node0  100      {2}              no      no       None
node1  50       {1}            no      no       {3}
"""


@pytest.mark.parametrize(
    ("said", "cluster", "up"),
    [
        (("secondary", "secondary", "primary", "None"), "active-standby", True),
        (("secondary", "primary", "secondary", "None"), "active-standby", True),
        (("lost", "lost", "primary", "n/a"), "active-standby", False),
        (("secondary", "secondary", "primary", "IF"), "active-standby", False),
        (("secondary", "secondary-hold", "primary", "None"), "active-standby", False),
    ],
)
def test_the_other_node_is_ready(said: tuple[str, ...], cluster: str, up: bool) -> None:
    assert _cluster(Said(CLUSTER.format(*said))) == (cluster, up)


def test_both_nodes_lead_a_group() -> None:
    more = "\nRedundancy group: 2 , Failover count: 1\nnode0  1  secondary  no  no  None\nnode1  2  primary  no  no  None\n"
    assert _cluster(Said(CLUSTER.format("secondary", "secondary", "primary", "None") + more)).cluster == "active-active"


def test_a_device_alone_has_no_partner() -> None:
    assert _cluster(Said("error: Chassis cluster is not enabled.\n")) == ("none", None)
    assert _chassis(Said("0 (FPC 0)  Prsnt    AA1 ex4300 128 Master* N VC\n")) == ("none", None)
    assert _chassis(Said("0 (FPC 0)  Prsnt    AA1 ex4300\n1 (FPC 1)  NotPrsnt AA2 ex4300\n")) == ("stack", False)
    with pytest.raises(Unparsable):
        _chassis(Said("Virtual Chassis ID: 1\n"))


def test_sessions_of_both_nodes_count_for_a_policy() -> None:
    rows = " Index   From zone        To zone           Name           Policy count  Action\n 1       a      b      p     {}     Permit\n"
    assert _hits(Said(f"node0:\n{rows.format(7)}\nnode1:\n{rows.format(0)}")) == {("a", "b", "p"): 7}
    with pytest.raises(Unparsable):
        _hits(Said("error: something else\n"))


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("status=0615 leap_none, sync_ntp, 1 event, x,\nstratum=3, refid=10.0.0.5, offset=1.0,", True),
        ("status=0615 leap_none, sync_ntp, 1 event, x,\nstratum=16, refid=10.0.0.5, offset=1.0,", False),
        ("status=0544 leap_none, sync_local, 4 events,\nstratum=11, refid=LOCAL(0), offset=0.0,", False),
        ("status=0544 leap_none, sync_ntp, 4 events,\nstratum=11, refid=127.127.1.0, offset=0.0,", False),
        ("status=c011 leap_alarm, sync_unspec, 1 event,\nstratum=16, refid=INIT, offset=0.0,", False),
        ("ntpq: read: Connection refused\n", False),
    ],
)
def test_a_clock_follows_another_one(text: str, follows: bool) -> None:
    assert _follows(_status(Said(text))) is follows


def test_a_commit_that_waits_to_be_confirmed_is_not_saved() -> None:
    line = "0   2026-10-12 08:15:41 UTC by tqm via cli"
    assert _saved(Said(f"{line}\n1   2026-09-12 08:15:41 UTC by tqm via cli\n")) is True
    assert _saved(Said(f"{line} commit confirmed, rollback in 10mins\n")) is False
    assert _saved(Said(f"{line}\n1   2026-10-12 08:10:41 UTC by tqm via cli commit confirmed, rollback in 10mins\n")) is True
    with pytest.raises(Unparsable):
        _saved(Said("no commit information\n"))


# --- ways in -----------------------------------------------------------------------------------------------------------

ROUTER = Version("mx204", "21.4R3", "21.4")
ADDRESSED = "interfaces { ge-0/0/0 { unit 0 { family inet { address 10.1.1.1/24; } } } }"


@pytest.mark.parametrize(
    ("services", "names"),
    [
        ("ssh; ftp; outbound-ssh;", ["ssh", "console"]),
        ("inactive: telnet; ssh;", ["ssh", "console"]),
        ("netconf { ssh; }", ["netconf", "console"]),
        ("web-management { http; https { system-generated-certificate; } }", ["http", "https", "console"]),
        # a page only for an interface that has no address
        ("web-management { https { interface ge-0/0/7.0; } }", ["console"]),
        ("rest { http; }", ["rest http", "console"]),
        ("", ["console"]),
    ],
)
def test_each_service_is_a_way_in(services: str, names: list[str]) -> None:
    tree = parse(f"system {{ services {{ {services} }} }} {ADDRESSED}")
    assert [way.name for way in _ways(tree, ROUTER, Gaps())] == names


def test_a_service_nobody_knows_is_not_passed_over() -> None:
    with pytest.raises(Unparsable):
        list(_ways(parse(f"system {{ services {{ ssh; cua-sau; }} }} {ADDRESSED}"), ROUTER, Gaps()))


def test_a_way_that_asks_nobody_says_so() -> None:
    grpc = "extension-service { request-response { grpc { clear-text { port 9339; } skip-authentication; } } }"
    ways = list(_ways(parse(f"system {{ services {{ {grpc} }} }} {ADDRESSED}"), ROUTER, Gaps()))
    assert [(way.name, way.authentication, way.encrypted) for way in ways[:1]] == [("grpc clear-text", "none", False)]
