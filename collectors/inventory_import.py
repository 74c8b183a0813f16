"""Other people's lists of machines, made into a targets file: Ansible inventories, CSV tables, nmap results.

An importer never carries a secret over, and says in `notes` what it left out. What cannot be read at all raises
InventoryError, all mistakes at once as file:line. The result is a proposal: `inventory.to_yaml` writes it for review.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

import yaml
from pydantic import ValidationError

from collectors.credential import Credential
from collectors.inventory import TARGET_KEYS, Inventory, InventoryError
from collectors.inventory_values import is_address
from collectors.model import MACHINES, Kind, Platform, Target

MAX_HOSTS = 100_000
"""A range like web[1:99999999] must not fill memory."""

_SECRET_VARIABLE = re.compile(r"(?i)pass(?:word|wd|phrase)?$|secret|token|_key$")
_RANGE = re.compile(r"\[(\d+|[a-z]):(\d+|[a-z])(?::(\d+))?\]")
_CONNECTION = {"ssh": "ssh", "smart": "ssh", "paramiko": "ssh", "paramiko_ssh": "ssh", "local": "local"}


class _Host(NamedTuple):
    name: str
    line: int
    variables: dict[str, str]
    groups: dict[str, None]


def decoded(raw: bytes) -> str:
    """Text of a file as Windows and Linux programs write it: UTF-8 with or without a mark, UTF-16 with one."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InventoryError([f"line {line}: not UTF-8; save the file as UTF-8 (in Excel: CSV UTF-8)"]) from None


def import_ansible(text: str, name: str = "inventory") -> Inventory:
    """An Ansible inventory, INI or YAML. Groups become labels; user, key, port, sudo and address are taken over."""
    mapping = re.search(r"(?m)^\s*(?:all|[\w.-]+):\s*(?:#.*)?$", text) and not re.search(
        r"(?m)^\s*\[[^\]]+\]\s*(?:[#;].*)?$", text
    )
    hosts, problems = (_ansible_yaml if mapping else _ansible_ini)(text, name)
    if problems:
        raise InventoryError(problems)
    return _from_ansible(hosts)


def import_csv(text: str, name: str = "targets.csv") -> Inventory:
    """A table with a heading line: name, address, kind, platform, via, port, credential, labels, sudo, in any order.

    Comma, semicolon (what Excel writes under a Vietnamese locale) or tab between the columns; labels are separated by
    blanks, | or the one of comma and semicolon that is not the column mark. Other columns are left out, with a note.
    """
    text = text.removeprefix("\ufeff")
    heading = text.partition("\n")[0]
    mark = max(",;\t", key=heading.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    problems: list[str] = []
    targets: list[Target] = []
    sudo: dict[str, bool] = {}
    seen: dict[str, int] = {}
    try:
        columns = [column.strip().lower() for column in next(rows, [])]
        if "name" not in columns and "address" not in columns:
            raise InventoryError([f"{name}:1: no heading line with name or address; begin with: name,address,kind"])
        left_out = [column for column in columns if column and column not in TARGET_KEYS]
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            line = rows.line_num
            if len(row) > len(columns):
                problems.append(f"{name}:{line}: {len(row)} columns, the heading has {len(columns)}")
                continue
            fields = {key: cell.strip() for key, cell in zip(columns, row, strict=False) if key in TARGET_KEYS and cell.strip()}
            target = _row(fields, f"{name}:{line}", problems)
            if target is None:
                continue
            if target.name in seen:
                problems.append(f"{name}:{line}: the name {target.name} stands in line {seen[target.name]} already")
                continue
            seen[target.name] = line
            targets.append(target)
            if "sudo" in fields:
                if fields["sudo"].lower() not in ("true", "yes", "false", "no", "1", "0"):
                    problems.append(f"{name}:{line}: sudo: {fields['sudo']!r} is neither true nor false")
                sudo[target.name] = fields["sudo"].lower() in ("true", "yes", "1")
    except csv.Error as error:
        problems.append(f"{name}:{rows.line_num}: {error}")
    if problems:
        raise InventoryError(problems)
    notes = [f"columns left out: {', '.join(left_out)}"] if left_out else []
    wanted = dict.fromkeys(t.credential for t in targets if t.credential)
    if wanted:
        notes.append(f"add these under credentials: {', '.join(wanted)}")
    return Inventory(tuple(targets), sudo=sudo, notes=tuple(notes))


def import_nmap(text: str, name: str = "nmap.xml") -> Inventory:
    """The hosts that are up in an nmap XML result (-oX). What they are is nmap's guess where it made one, else `other`."""
    if "<!ENTITY" in text:
        raise InventoryError([f"{name}:1: declares entities, which nmap never does; not read"])
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  (no entities: checked above)
    except ElementTree.ParseError as error:
        raise InventoryError([f"{name}:{error.position[0]}: not XML: {error}"]) from None
    if root.tag != "nmaprun":
        raise InventoryError([f"{name}:1: not an nmap result; make one with: nmap -oX {name} ..."])
    rows = []
    for host in root.iter("host"):
        status = host.find("status")
        addresses = {a.get("addrtype"): a.get("addr", "") for a in host.iter("address")}
        address = addresses.get("ipv4") or addresses.get("ipv6")
        if address is None or not is_address(address) or (status is not None and status.get("state") != "up"):
            continue
        called = next((h.get("name", "") for h in host.iter("hostname")), "")
        ports = sorted((_is_ssh(port), int(port.get("portid", "0"))) for port in host.iter("port") if _open(port))
        rows.append((called, address, tuple(port for is_ssh, port in ports if is_ssh), _guessed(host)))
    return proposed(rows)


def proposed(hosts: Iterable[tuple[str, str, Sequence[int], Kind | None]]) -> Inventory:
    """A targets file of hosts found on a network, for review: (name or empty, address, its SSH ports, what it seems to be)."""
    targets: list[Target] = []
    notes: list[str] = []
    for called, address, ssh, kind in hosts:
        title = called if called and is_address(called) else address
        if any(target.name == title for target in targets):
            title = f"{title} ({address})"
        if not ssh:
            notes.append(f"{title}: no open SSH port was found; it cannot be looked at this way")
            continue
        if kind in (None, Kind.OTHER):
            notes.append(f"{title}: nmap does not say what it is; set its kind")
        number = 22 if 22 in ssh else ssh[0]
        targets.append(
            Target(name=title, kind=kind or Kind.OTHER, via="ssh", address=address, port=None if number == 22 else number)
        )
    if targets:
        notes.append("add a credential for each target, or one under defaults")
    return Inventory(tuple(targets), notes=tuple(notes))


def _row(fields: dict[str, str], where: str, problems: list[str]) -> Target | None:
    title = fields.get("name") or fields.get("address")
    wrong = []
    kind, via, port = fields.get("kind", "server").lower(), fields.get("via", "ssh").lower(), fields.get("port")
    platform = fields.get("platform")
    if title is None:
        wrong.append("neither name nor address")
    if kind not in MACHINES:
        wrong.append(f"kind: {kind!r} is not known; known are {', '.join(MACHINES)}")
    if platform is not None and platform not in set(Platform):
        wrong.append(f"platform: {platform!r} is not known; known are {', '.join(Platform)}")
    if via not in ("ssh", "local", "root", "replay"):
        wrong.append(f"via: {via!r} is not known; known are ssh, local, root, replay")
    if port is not None and not (re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) <= 65535):
        wrong.append(f"port: {port!r} is no port; write a number from 1 to 65535")
    address = fields.get("address")
    if via == "ssh" and not is_address(address or title or "x"):
        wrong.append(f"address: {address or title!r} is no host name and no address")
    problems += [f"{where}: {what}" for what in wrong]
    if title is not None and len(title) > 253:
        problems.append(f"{where}: the name is longer than 253 letters")
        return None
    if wrong or title is None:
        return None
    return Target.model_validate(
        {
            "name": title,
            "kind": kind,
            "platform": platform,
            "via": via,
            "address": address,
            "port": int(port) if port and via == "ssh" else None,
            "credential": fields.get("credential") if via == "ssh" else None,
            "labels": tuple(dict.fromkeys(re.split(r"[\s|;,]+", fields["labels"]))) if "labels" in fields else (),
        }
    )


def _open(port: ElementTree.Element) -> bool:
    state = port.find("state")
    return (
        port.get("protocol") == "tcp"
        and state is not None
        and state.get("state") == "open"
        and re.fullmatch(r"[0-9]{1,5}", port.get("portid", "")) is not None
        and 0 < int(port.get("portid", "0")) < 65536
    )


def _is_ssh(port: ElementTree.Element) -> bool:
    service = port.find("service")
    return service.get("name") == "ssh" if service is not None else port.get("portid") == "22"


def _guessed(host: ElementTree.Element) -> Kind:
    kinds = {"router": Kind.ROUTER, "switch": Kind.SWITCH, "firewall": Kind.FIREWALL, "general purpose": Kind.SERVER}
    for guess in host.iter("osclass"):
        return kinds.get(guess.get("type", ""), Kind.OTHER)
    return Kind.OTHER


def _from_ansible(hosts: list[_Host]) -> Inventory:
    targets: list[Target] = []
    credentials: dict[str, Credential] = {}
    sudo: dict[str, bool] = {}
    notes: list[str] = []
    for host in hosts:
        told = host.variables
        secrets = sorted(key for key in told if _SECRET_VARIABLE.search(key) and "file" not in key)
        if secrets:
            notes.append(f"{host.name}: {', '.join(secrets)} left out: secrets do not belong in a targets file")
        connection = told.get("ansible_connection", "ssh")
        if connection.rpartition(".")[2] not in _CONNECTION:
            notes.append(f"{host.name}: left out: ansible_connection {connection} is not one we can use")
            continue
        via = _CONNECTION[connection.rpartition(".")[2]]
        address = told.get("ansible_host") or told.get("ansible_ssh_host")
        port = told.get("ansible_port") or told.get("ansible_ssh_port")
        if any("{{" in value for value in (address or "", port or "")) or (via == "ssh" and not is_address(address or host.name)):
            notes.append(f"{host.name}: left out: its address {address or host.name} is no host name; write it by hand")
            continue
        if port is not None and not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
            notes.append(f"{host.name}: ansible_port {port} left out: no port number")
            port = None
        credential = _credential(told, credentials) if via == "ssh" else None
        if told.get("ansible_become") or told.get("become"):
            sudo[host.name] = (told.get("ansible_become") or told["become"]).lower() in ("true", "yes", "1", "on")
        fields = {
            "name": host.name,
            "via": via,
            "address": address if via == "ssh" else None,
            "port": int(port) if port and via == "ssh" else None,
            "credential": credential,
            "labels": tuple(group for group in host.groups if group not in ("all", "ungrouped")),
        }
        try:
            targets.append(Target.model_validate(fields))
        except ValidationError as error:
            sudo.pop(host.name, None)
            notes.append(f"{host.name[:80]}: left out: {error.errors()[0]['msg']}")
    if any(target.via == "ssh" and target.credential is None for target in targets):
        notes.append("some targets name no user: add a credential for them, or one under defaults")
    return Inventory(tuple(targets), credentials, sudo, notes=tuple(notes))


def _credential(told: Mapping[str, str], known: dict[str, Credential]) -> str | None:
    user = told.get("ansible_user") or told.get("ansible_ssh_user")
    if not user or "{{" in user:
        return None
    key = told.get("ansible_ssh_private_key_file") or told.get("ansible_private_key_file")
    # without a key file Ansible would ask the agent
    wanted = Credential(user=user, key_file=key) if key and "{{" not in key else Credential(user=user, agent=True)
    for name, credential in known.items():
        if credential == wanted:
            return name
    name = user if user not in known else f"{user}-{sum(1 for each in known if each.startswith(user)) + 1}"
    known[name] = wanted
    return name


def _ansible_ini(text: str, name: str) -> tuple[list[_Host], list[str]]:
    hosts: dict[str, _Host] = {}
    variables: dict[str, dict[str, str]] = {}
    parents: dict[str, list[str]] = {}
    problems: list[str] = []
    group, section = "ungrouped", "hosts"
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        heading = re.fullmatch(r"\[([^\]:]+)(?::(\w+))?\]\s*(?:[#;].*)?", bare)
        if heading:
            group, section = heading[1].strip(), heading[2] or "hosts"
            if section not in ("hosts", "vars", "children"):
                problems.append(f"{name}:{number}: [{group}:{section}]: known are vars and children")
            continue
        if section == "children":
            parents.setdefault(bare.split()[0], []).append(group)
            continue
        if section == "vars":
            key, equals, value = bare.partition("=")
            if not equals:
                problems.append(f"{name}:{number}: a variable is written as key=value")
            variables.setdefault(group, {})[key.strip()] = value.strip().strip("\"'")
            continue
        try:
            first, *pairs = shlex.split(bare, comments=True)
        except ValueError as error:
            problems.append(f"{name}:{number}: {error}")
            continue
        own = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if wrong := [pair for pair in pairs if "=" not in pair]:
            problems.append(f"{name}:{number}: {wrong[0]!r} is not key=value")
        try:
            for each in _unfolded(first):
                host = hosts.setdefault(each, _Host(each, number, {}, {}))
                host.variables.update(own)
                host.groups[group] = None
        except ValueError as error:
            problems.append(f"{name}:{number}: {error}")
    return [_with_groups(host, variables, parents) for host in hosts.values()], problems


def _with_groups(host: _Host, variables: Mapping[str, dict[str, str]], parents: Mapping[str, list[str]]) -> _Host:
    """The host with what its groups say; nearer groups win over farther ones, as Ansible has it."""
    chain = list(host.groups)
    for group in chain:
        chain += [parent for parent in parents.get(group, ()) if parent not in chain]
    merged = dict(variables.get("all", {}))
    for group in reversed(chain):
        merged.update(variables.get(group, {}))
    return host._replace(variables={**merged, **host.variables}, groups=dict.fromkeys(chain))


def _unfolded(pattern: str) -> Iterator[str]:
    """web[01:03].example -> web01.example, web02.example, web03.example."""
    found = _RANGE.search(pattern)
    if not found:
        yield pattern
        return
    low, high, step = found[1], found[2], int(found[3] or 1)
    numbers = low.isdecimal() and high.isdecimal()
    if not numbers and (low.isdecimal() or high.isdecimal()):
        raise ValueError(f"{found[0]}: a range goes from number to number or from letter to letter")
    first, last = (int(low), int(high)) if numbers else (ord(low), ord(high))
    if step < 1 or not 0 <= last - first < MAX_HOSTS:
        raise ValueError(f"{found[0]}: is no range, or a larger one than {MAX_HOSTS}")
    for value in range(first, last + 1, step):
        text = str(value).zfill(len(low) if low.startswith("0") else 0) if numbers else chr(value)
        yield from _unfolded(pattern[: found.start()] + text + pattern[found.end() :])


def _ansible_yaml(text: str, name: str) -> tuple[list[_Host], list[str]]:
    try:
        document = yaml.load(text, Loader=_TextLoader)  # noqa: S506  (a safe loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return [], [f"{name}:{mark.line + 1 if mark else 1}: not YAML: {error.problem or error.context}"]
    except (yaml.YAMLError, RecursionError):
        return [], [f"{name}:1: not YAML"]
    if not isinstance(document, dict):
        return [], [f"{name}:1: not an Ansible inventory: it begins with a group, such as all:"]
    hosts: dict[str, _Host] = {}
    variables: dict[str, dict[str, str]] = {}
    parents: dict[str, list[str]] = {}
    problems: list[str] = []
    waiting: list[tuple[str, Any, int]] = [(str(group), body, 0) for group, body in document.items()]
    while waiting:
        group, body, depth = waiting.pop(0)
        if not body:
            continue
        if not isinstance(body, dict) or depth > 50:
            problems.append(f"{name}:1: group {group}: must hold hosts:, vars: or children:")
            continue
        for each, own in _items(body.get("hosts")):
            try:
                for single in _unfolded(each):
                    host = hosts.setdefault(single, _Host(single, 1, {}, {}))
                    host.variables.update(_plain(own))
                    host.groups[group] = None
            except ValueError as error:
                problems.append(f"{name}:1: {error}")
        variables.setdefault(group, {}).update(_plain(body.get("vars")))
        for child, inner in _items(body.get("children")):
            parents.setdefault(child, []).append(group)
            waiting.append((child, inner, depth + 1))
    return [_with_groups(host, variables, parents) for host in hosts.values()], problems


class _TextLoader(yaml.SafeLoader):
    """Everything stays the text that stands in the file: a host called `no` or `010` keeps its name."""

    yaml_implicit_resolvers = {"": [("tag:yaml.org,2002:null", re.compile("^$"))]}


_TextLoader.add_constructor(None, lambda loader, node: "")  # !vault and its like: a secret we do not want


def _items(body: Any) -> list[tuple[str, Any]]:
    return [(str(key), value) for key, value in body.items()] if isinstance(body, dict) else []


def _plain(body: Any) -> dict[str, str]:
    return {key: value for key, value in _items(body) if isinstance(value, str)}
