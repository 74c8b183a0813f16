"""Other people's outputs and configurations: is the system identified, does nothing crash, does no check pass that a crude look contradicts?

The folder given is no part of the repository, and nothing of it is kept: only counts are written. Two kinds of material in it are used:

- outputs beside a reference, as networktocode/ntc-templates keeps them (tests/<system>/<command>/*.raw with *.yml): the vendor, the system
  and the version rasoat makes of the output are compared with the reference;
- configurations, as batfish/batfish and networktocode/netutils keep them: every fact is asked over the text, level 3 is judged, and each check
  that passes is held against a pattern that knows nothing of rasoat. Most are fragments. A fragment of a Cisco-like system is framed by the
  lines no whole configuration lacks; of the others it is asked as it is, and mostly refused.

    git clone https://github.com/networktocode/ntc-templates && python bench/independent.py ntc-templates
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

import yaml  # noqa: E402
from measure import arguments, write  # noqa: E402

from baselines import loader  # noqa: E402
from baselines.evaluate import evaluate  # noqa: E402
from collectors.catalog import device_os  # noqa: E402
from collectors.errors import Unsupported  # noqa: E402
from collectors.model import Kind, Platform, Snapshot, Target  # noqa: E402
from collectors.run import collect  # noqa: E402
from collectors.transports.base import TIMEOUT  # noqa: E402

NAME = "R1"


class Output(NamedTuple):
    """Where outputs of a system lie, and which field of the reference holds the version."""

    folder: str
    platform: Platform
    command: str
    field: str
    version: str = r"\S+"
    """Pattern of the version within that field."""


OUTPUTS = (
    Output("cisco_ios/show_version", Platform.CISCO_IOS, "show version", "version"),
    Output("cisco_nxos/show_version", Platform.CISCO_NXOS, "show version", "os"),
    Output("cisco_asa/show_version", Platform.CISCO_ASA, "show version", "version"),
    Output("arista_eos/show_version", Platform.ARISTA_EOS, "show version", "image"),
    Output("juniper_junos/show_version", Platform.JUNIPER_JUNOS, "show version", "junos_version"),
    Output("huawei_vrp/display_version", Platform.HUAWEI_VRP, "display version", "product_version", r"V\d\S+"),
    Output("fortinet/get_system_status", Platform.FORTINET_FORTIOS, "get system status", "version", r"(?<=v)\d[\d.]+"),
    Output("paloalto_panos/show_system_info", Platform.PALOALTO_PANOS, "show system info", "os"),
    Output("mikrotik_routeros/system_resource_print", Platform.MIKROTIK_ROUTEROS, "system resource print", "version"),
    Output("checkpoint_gaia/show_version_all", Platform.CHECKPOINT_GAIA, "show version all", "version"),
)

SYSTEMS: tuple[tuple[str, Platform], ...] = (
    (r"nxos", Platform.CISCO_NXOS),
    (r"cisco_?asa", Platform.CISCO_ASA),
    (r"arista", Platform.ARISTA_EOS),
    (r"juniper", Platform.JUNIPER_JUNOS),
    (r"palo_?alto", Platform.PALOALTO_PANOS),
    (r"fortios|fortinet", Platform.FORTINET_FORTIOS),
    (r"hp_?comware", Platform.HPE_COMWARE),
    (r"huawei", Platform.HUAWEI_VRP),
    (r"grammar/cisco/|cisco_?ios(?!xr|-xr)", Platform.CISCO_IOS),
)
"""Words of a path -> the system of its configurations."""

FIREWALLS = (Platform.CISCO_ASA, Platform.PALOALTO_PANOS, Platform.FORTINET_FORTIOS)

FRAMES = {
    Platform.CISCO_IOS: ("version 15.2\nno aaa new-model\nno ip http server\nno ip http secure-server\n", "line con 0\nline vty 0 4\n transport input ssh\nend\n"),
    Platform.CISCO_NXOS: ("version 9.3(9)\n", "\nline console\nline vty\n"),
    Platform.ARISTA_EOS: (f"! device: {NAME} (vEOS, EOS-4.30.5M)\n", "\nend\n"),
    Platform.CISCO_ASA: (": Saved\nASA Version 9.16(4)18 \n", "\nCryptochecksum:8d1e6f3b0c5a49d2b7f4e0a19c3d5e7f\n: end\n"),
}  # fmt: skip

VERSIONS = {
    Platform.CISCO_IOS: "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.2(4)M7, RELEASE SOFTWARE (fc2)\n",
    Platform.CISCO_NXOS: "Cisco Nexus Operating System (NX-OS) Software\nSoftware\n  NXOS: version 9.3(9)\n",
    Platform.ARISTA_EOS: "Arista vEOS\nSoftware image version: 4.30.5M\n",
    Platform.CISCO_ASA: "Cisco Adaptive Security Appliance Software Version 9.16(4)18\nHardware:   ASA5516, 8192 MB RAM\n",
}

CRUDE = {
    "device_access.no_telnet": r"^\s*transport input (?:.*\b)?(?:telnet|all)\b|^feature telnet\b|^telnet \d+\.|^\s+telnet;|set allowaccess .*\btelnet\b",
    "snmp_service.no_default_community": r"^\s*snmp-server community \"?(?:public|private)\b|^\s*community (?:public|private)\b",
    "snmp_service.no_v1_v2c": r"^\s*snmp-server community \S",
    "device_access.no_plain_web": r"^ip http server\b",
    "device_accounts.password_set": r"^username \S+ .*\bnopassword\b",
    "filtering.no_any_any": r"^\s*(?:access-list \S+ )?(?:extended )?(?:\d+ )?permit ip any any\b",
    "device_services.no_source_route": r"^ip source-route$",
    "device_logs.enabled": r"^no logging (?:on|enable)\b",
}
"""Check -> a line that speaks against it, whoever wrote it. What contradicts is looked at by a person."""

BESIDE = {"filtering.no_any_any": r"access-group (?:\S+ )?\S+ (?:in|out)\b|traffic-filter \S+ in"}
"""Check -> what must stand in the text too: a list that no line binds filters nothing."""


class Answers:
    """A device that knows two texts."""

    privileged = True
    legacy_crypto = None
    prompt_name = NAME

    def __init__(self, platform: Platform, texts: dict[str, str], name: str = NAME) -> None:
        self.platform = platform.value
        self.prompt_name = name
        self._texts = texts

    def ask(self, command: str, *, timeout: float = TIMEOUT) -> str:
        plain = command.lstrip("/").partition(" |")[0].removesuffix(" without-paging").strip()
        if plain not in self._texts:
            raise Unsupported(f"{command}: not among the texts")
        return self._texts[plain]


def identified(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """(system, file, what is wrong; empty where nothing is)."""
    for known in OUTPUTS:
        for place in folder.rglob(f"tests/{known.folder}"):
            for raw in sorted(place.glob("*.raw")):
                reference = yaml.safe_load(raw.with_suffix(".yml").read_text("utf-8"))["parsed_sample"][0]
                cli = Answers(known.platform, {known.command: raw.read_text("utf-8", "replace")})
                seen = collect(Target(name="x", kind=Kind.ROUTER, via="replay"), cli, only=("identity",))
                version = re.search(known.version, str(reference.get(known.field) or ""))
                if version:  # else the reference itself tells none
                    yield known.platform.value, raw, _misread(seen, known, version[0])


def _misread(seen: Snapshot, known: Output, version: str) -> str:
    record = seen.by_fact["identity"]
    if record.data is None:
        return f"{record.outcome}: {record.reason}"
    if record.data["vendor"] != device_os(known.platform).vendor:
        return f"vendor {record.data['vendor']}"
    got = str(record.data["os_version"])
    plain = re.sub(r"[^0-9a-z]", "", version.lower().removeprefix("v"))
    mine = re.sub(r"[^0-9a-z]", "", got.lower().removeprefix("v"))
    return "" if plain and (plain.startswith(mine) or mine.startswith(plain)) else f"version {got}, the reference says {version}"


def configurations(folder: Path) -> Iterator[tuple[Platform, Path]]:
    for path in sorted(folder.rglob("*")):
        where = path.relative_to(folder).as_posix().lower()
        if (
            not path.is_file()
            or path.suffix in (".py", ".java", ".yml", ".json", ".md", ".raw", ".j2", ".ref")
            or "config" not in where
        ):
            continue
        platform = next((known for word, known in SYSTEMS if re.search(word, where)), None)
        if platform is not None and path.stat().st_size < 2_000_000:
            yield platform, path


def judged(platform: Platform, path: Path) -> Snapshot:
    text = path.read_text("utf-8", "replace").replace("\r\n", "\n")
    head, tail = FRAMES.get(platform, ("", ""))
    names = re.findall(r"^\s*(?:set )?(?:hostname|sysname|host-name|system host-name) \"?([^\s;\"]+)", text, re.M)
    body = re.sub(r"^end\s*$", "", text, flags=re.M) if head else text
    named = "" if names or not head else f"hostname {NAME}\n"
    whole = f"{head}{named}{body.rstrip()}\n{tail}"
    forms = {
        command.lstrip("/").partition(" |")[0].strip(): whole
        for command, resolved in device_os(platform).configuration
        if not resolved
    }
    texts = {**forms, "show version": VERSIONS.get(platform, ""), "show privilege": "Current privilege level is 15\n"}
    kind = Kind.FIREWALL if platform in FIREWALLS else Kind.ROUTER
    return collect(Target(name="x", kind=kind, via="replay"), Answers(platform, texts, names[-1] if names else NAME))


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true", help="write the counts to bench/results/independent.json")
    parser.add_argument("--show", type=int, default=20, help="how many failures of each kind to print")
    options = parser.parse_args(argv)
    right: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for system, path, wrong in identified(options.folder):
        tried[system] += 1
        right[system] += not wrong
        if wrong:
            print(f"not identified  {path.relative_to(options.folder)}: {wrong[:160]}")
    pack = loader.load("tcvn_11930_2017")
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    crashes: list[str] = []
    against: list[str] = []
    files: Counter[str] = Counter()
    for platform, path in configurations(options.folder):
        seen = judged(platform, path)
        files[platform.value] += 1
        for record in seen.records:
            outcomes[record.outcome] += 1
            if record.outcome == "bug":
                crashes.append(f"{path.relative_to(options.folder)}: {record.fact}: {record.reason}")
            elif record.outcome == "unparsable":
                reasons[re.sub(r"\d+|'.*?'|\S*[/\\]\S*", "…", str(record.reason))[:80]] += 1
        text = path.read_text("utf-8", "replace")
        results = {result.check: result.verdict for result in evaluate(seen, pack, 3).results if result.check}
        verdicts.update(results.values())
        for check, crude in CRUDE.items():
            found = re.search(crude, text, re.M)
            if found and results.get(check) == "pass" and re.search(BESIDE.get(check, ""), text):
                against.append(f"{check}  {path.relative_to(options.folder)}: {found.group().strip()[:80]}")
    total, good = sum(tried.values()), sum(right.values())
    share = round(100 * good / total, 1) if total else None
    print(
        f"\nidentified: {good} of {total} outputs ({share} %): "
        + ", ".join(f"{name} {right[name]}/{tried[name]}" for name in sorted(tried))
    )
    print(f"configurations: {sum(files.values())}: " + ", ".join(f"{name} {count}" for name, count in sorted(files.items())))
    print(f"facts: {dict(outcomes)}; verdicts: {dict(verdicts)}")
    print(f"crashes: {len(crashes)}", *crashes[: options.show], sep="\n  ")
    print("not parsed, by reason:", *(f"{count:5} {reason}" for reason, count in reasons.most_common(options.show)), sep="\n  ")
    print(f"passes that a crude look contradicts: {len(against)}", *against[: 5 * options.show], sep="\n  ")
    if options.write:
        by_system: dict[str, Any] = {name: f"{right[name]}/{tried[name]}" for name in sorted(tried)}
        write("independent", {
            "outputs": total, "identified": good, "identified_percent": share, "by_system": by_system,
            "configurations": dict(files), "facts": dict(outcomes), "verdicts": dict(verdicts), "crashes": len(crashes),
            "contradicted_passes": len(against),
        }, keep=not options.no_result)  # fmt: skip
    return 1 if crashes else 0


if __name__ == "__main__":
    raise SystemExit(main())
