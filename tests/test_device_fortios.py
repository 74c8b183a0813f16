"""FortiOS: no secret survives, whatever it is and wherever it stands; and what other products say is not believed."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.errors import Denied, Unparsable, Unsupported
from collectors.model import Platform, Snapshot, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice

OS = device_os(Platform.FORTINET_FORTIOS)
FOLDER = Path(__file__).parent / "devices" / "fortinet_fortios--hardened"
WHOLE = (FOLDER / "full.txt").read_text("utf-8")

SECRET = st.text(string.ascii_letters + string.digits + "+/=_!@%^&*.-", min_size=9, max_size=60).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and text not in WHOLE and not text.isdigit()
)
PLACES = (
    "config system admin\n    edit x\n        set accprofile y\n        set password ENC SH2{}\n    next\nend\n",
    "config system admin\n    edit x\n        set password {}\n    next\nend\n",
    "config user local\n    edit x\n        set passwd ENC {}\n    next\nend\n",
    'config vpn ipsec phase1-interface\n    edit x\n        set psksecret "{} x"\n    next\nend\n',
    "config vpn ipsec phase1-interface\n    edit x\n        set psksecret ENC {}\n    next\nend\n",
    'config system snmp community\n    edit 1\n        set name "public"\n    next\n    edit 2\n        set name "{}"\n    next\nend\n',
    "config system snmp community\n    edit 1\n        set name {}\n        config hosts\n            edit 1\n            next\n        end\n    next\nend\n",
    "config system snmp user\n    edit x\n        set auth-pwd ENC {}\n    next\nend\n",
    "config system snmp user\n    edit x\n        set priv-pwd {}\n    next\nend\n",
    "config user radius\n    edit x\n        set secret ENC {}\n    next\nend\n",
    "config user tacacs+\n    edit x\n        set key {}\n    next\nend\n",
    'config wireless-controller vap\n    edit x\n        set passphrase "{}"\n    next\nend\n',
    "config router bgp\n    config neighbor\n        edit 10.0.0.9\n            set password ENC {}\n        next\n    end\nend\n",
    "config router key-chain\n    edit x\n        config key\n            edit 1\n                set key-string ENC {}\n            next\n        end\n    next\nend\n",
    "config system api-user\n    edit x\n        set api-key ENC SH2{}\n    next\nend\n",
    'config vpn certificate local\n    edit x\n        set private-key "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----"\n    next\nend\n',
    'config firewall policy\n    edit 77\n        set comments "password {}"\n    next\nend\n',
    'config firewall policy\n    edit 77\n        set comments "ghi chú\nmật khẩu: {}\nhết"\n    next\nend\n',
    "config vpn ipsec manualkey\n    edit x\n        set authkey {}\n        set enckey {}\n    next\nend\n",
    "config system ddns\n    edit 1\n        set ddns-password ENC {}\n    next\nend\n",
)


def transcript(more: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "transcript.yaml").read_text("utf-8"))
    for command, _ in OS.configuration:
        found["commands"][command] = more + WHOLE
    return found


def looked(more: str) -> Snapshot:
    return collect(Target(name="x", via="replay"), ReplayDevice(transcript(more)))


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(secret=SECRET)
def test_a_secret_survives_nowhere(place: str, secret: str) -> None:
    more = place.replace("{}", secret)
    redacted = clean(OS, more)
    assert secret not in redacted
    assert clean(OS, redacted) == redacted


def test_no_fact_holds_one() -> None:
    found = looked("".join(PLACES).replace("{}", "Qz7Vx9Km2Wp5"))
    assert "Qz7Vx9Km2Wp5" not in found.model_dump_json()
    assert not [record for record in found.records if record.outcome == "bug"]


@pytest.mark.parametrize("place", PLACES)
def test_redacting_leaves_a_configuration_that_reads_the_same(place: str) -> None:
    """A quote that redaction took would turn all that follows inside out."""
    from collectors.devices.syntax.fortios import parse

    text = place.replace("{}", "Qz7Vx9Km2Wp5") + "config system global\n    set hostname z\nend\n"
    before, after = parse(text), parse(clean(OS, text))
    assert list(before.children) == list(after.children)
    assert after.children["system global"].word("hostname") == "z"


def test_many_communities_all_lose_their_names() -> None:
    rows = "".join(f'    edit {n}\n        set name "rieng-tu-{n}-x"\n    next\n' for n in range(1, 17))
    assert "rieng-tu" not in clean(OS, f"config system snmp community\n{rows}end\n")
    # names elsewhere are no secrets
    assert "ten-vung" in clean(OS, 'config system zone\n    edit 1\n        set name "ten-vung"\n    next\nend\n')


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("command parse error before 'full-configuration'\nCommand fail. Return code -61\n", Unsupported),
        ("Unknown action 0\n", Unsupported),
        ("Command fail. Return code -37\n", Denied),
        ("Permission denied.\n", Denied),
        ("config system global\n    set hostname x\nend\n", Unparsable),
        (WHOLE[: len(WHOLE) // 2], Unparsable),
        (WHOLE + "--More--", Unparsable),
        (WHOLE.replace('set hostname "FGT-SOTTTT"', 'set hostname "FGT-KHAC"'), Unparsable),
    ],
)
def test_what_is_no_configuration_is_not_believed(said: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        OS.reading("show full-configuration | grep .", said, "FGT-SOTTTT")


def test_the_name_in_a_quoted_text_is_not_the_devices() -> None:
    fake = 'config system replacemsg mail "x"\n    set buffer "config system global\n    set hostname \\"khac\\"\nend\n"\nend\n'
    assert OS.reading("show | grep .", WHOLE + fake, "FGT-SOTTTT")


@pytest.mark.parametrize(
    "version",
    [
        "Version: FortiWeb-KVM 6.3.3,build1101",
        "Version: FortiAnalyzer-VM64 v7.2.4-build1460 230622 (GA)",
        "Cisco IOS Software",
        "",
    ],
)
def test_another_product_is_not_taken_for_a_fortigate(version: str) -> None:
    other = transcript("")
    other["commands"]["get system status | grep ."] = version
    found = collect(Target(name="x", via="replay"), ReplayDevice(other))
    assert found.by_fact["identity"].outcome == "unparsable"
    assert found.by_fact["firmware"].outcome == "unparsable"


def test_only_reading_commands_are_permitted() -> None:
    assert OS.prepare == ()
    for command in (
        "config system console",
        "execute reboot",
        "sudo global execute reboot",
        "diagnose sys kill 9 1",
        "set output standard",
        "end",
        "show\nend",
    ):
        assert not OS.permits(command)
    assert json.dumps([OS.permits(command) for command, _ in OS.configuration]) == "[true, true]"
