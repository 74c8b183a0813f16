"""The targets file: which machines to look at, how to reach each, and where the secrets lie (never the secrets).

    defaults: {kind: server, credential: ops}
    known_hosts: known_hosts                    # host keys we accepted; beside this file unless absolute
    credentials:
      ops: {user: rasoat, key_file: ~/.ssh/rasoat, sudo: true}
      old: {user: admin, password_env: OLD_PASSWORD}
      net: {user: rasoat, password_file: net.pw, enable_password_file: net-enable.pw}
      core: {user: rasoat, password_secret: core-switches}      # by a name: `rasoat credential`, or a vault
      mon: {user: rasoat, auth: sha256, auth_key_file: mon.auth, priv: aes128, priv_key_file: mon.priv}
      old-mon: {community_file: mon.community}
    probe_communities_file: weak.txt            # only if wanted: asked once each of every agent, SNMP v2c
    targets:
      - {name: web1, address: 192.0.2.10, labels: [web, hanoi]}
      - {name: db1, kind: server, via: ssh, port: 2222, credential: old}
      - {name: sw-tang3, kind: switch, platform: cisco_ios, address: 10.20.0.13, credential: net, legacy_ssh: true}
      - {name: printer3, via: snmp, address: 10.20.0.30, credential: mon}
      - {name: here, via: local}
      - {name: image, via: root, address: /mnt/image}

Every mistake is reported at once as file:line with what to do. Nothing is guessed from YAML's types: `no`, `010` and
`22:30` stay the text that stands in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from pydantic import ValidationError

from collectors.credential import Credential, Opener
from collectors.errors import Unsupported
from collectors.inventory_values import HOST, READERS, Bad, hint, is_address, text_of
from collectors.model import Kind, Platform, Target
from collectors.snmp_credential import SNMP_KEYS, SnmpCredential

if TYPE_CHECKING:
    from collectors.devices.full_text import Taker
    from collectors.log_ons import LogOns

TARGET_KEYS = ("name", "kind", "platform", "via", "address", "port", "credential", "labels", "sudo", "legacy_ssh")
DEFAULT_KEYS = ("kind", "platform", "via", "port", "credential", "labels", "sudo", "legacy_ssh")
CREDENTIAL_KEYS = (
    "user", "key_file", "password_file", "password_env", "password_secret", "enable_password_file", "enable_password_env",
    "enable_password_secret", "agent", "sudo", *SNMP_KEYS,
)  # fmt: skip
TOP_KEYS = ("defaults", "credentials", "targets", "known_hosts", "probe_communities_file")
FAR = ("ssh", "winrm", "snmp")
_SECRET_KEY = re.compile(
    r"(?i)pass(?:word|wd|phrase)?$|pwd$|secret$|token$|^key$|private_key$|become_pass|enable|community$|(?:auth|priv)_?key$"
)


class InventoryError(ValueError):
    """The file cannot be used. `problems` holds one line per mistake: file:line: what is wrong; what to do."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class Inventory(NamedTuple):
    """What a targets file says. `notes` are an importer's remarks on what it had to leave out."""

    targets: tuple[Target, ...]
    credentials: Mapping[str, Credential] = {}
    sudo: Mapping[str, bool] = {}
    """Target name -> whether to use sudo there, where the target says otherwise than its credential."""
    known_hosts: Path | None = None
    notes: tuple[str, ...] = ()
    legacy_ssh: frozenset[str] = frozenset()
    """Names of the targets where SHA-1 key exchange, CBC ciphers and ssh-rsa may be used when nothing better is offered."""
    log_ons: LogOns | None = None
    """Counts failed log-ons of one sweep: no account is tried twice, a site stops after three."""

    snmp: Mapping[str, SnmpCredential] = {}
    """Credentials for SNMP agents, by name."""
    probe_communities: Path | None = None
    """The administrator's list of weak communities, asked of every agent once each; None: nothing is tried."""
    full_text: Taker | None = None
    """Takes each device's whole configuration for an encrypted copy: see devices/full_text.py. None: nobody does."""

    def opened_by(self, opener: Opener) -> Inventory:
        """The same, with somebody who knows the secrets that its credentials name."""
        return self._replace(
            credentials={name: found.opened_by(opener) for name, found in self.credentials.items()},
            snmp={name: found.opened_by(opener) for name, found in self.snmp.items()},
        )

    def snmp_credential_of(self, target: Target) -> SnmpCredential:
        """How to ask an agent. Raises Unsupported when the file names no SNMP credential for it."""
        found = self.snmp.get(target.credential or "")
        if found is None:
            raise Unsupported(f"{target.name}: no SNMP credential {target.credential or ''}; add it to the targets file")
        return found

    def credential_of(self, target: Target) -> Credential:
        """How to log on to a target. Raises Unsupported when the file names no credential for it."""
        found = self.credentials.get(target.credential or "")
        if found is None:
            raise Unsupported(f"{target.name}: no credential {target.credential or ''}; add it to the targets file")
        return found.model_copy(update={"sudo": self.sudo.get(target.name, found.sudo)})

    def select(self, words: Iterable[str]) -> tuple[Target, ...]:
        """The targets whose name or one of whose labels is among `words`, in file order; all of them for no words.

        Raises InventoryError for a word that means no target: a typing mistake must not shrink a scan silently.
        """
        wanted = tuple(words)
        known = {name for target in self.targets for name in (target.name, *target.labels)}
        wrong = [f"{word}: no target and no label is called so{hint(word, known)}" for word in wanted if word not in known]
        if wrong:
            raise InventoryError(wrong)
        return tuple(t for t in self.targets if not wanted or t.name in wanted or any(label in wanted for label in t.labels))


def load(path: Path) -> Inventory:
    """Read a targets file. Raises InventoryError with every mistake in it."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InventoryError([f"{path}: {error.strerror}"]) from None
    try:
        return parse(raw.decode("utf-8-sig"), str(path), path.parent)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InventoryError([f"{path}:{line}: not UTF-8; save the file as UTF-8"]) from None


def parse(text: str, name: str = "targets.yaml", folder: Path = Path()) -> Inventory:
    """The same from text. `folder` is where relative file names in it begin."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InventoryError([f"{name}:{mark.line + 1 if mark else 1}: not YAML: {error.problem or error.context}"]) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise InventoryError([f"{name}:1: not YAML: {str(error).splitlines()[0]}"]) from None
    return _Reader(name, folder).inventory(root)


def to_yaml(inventory: Inventory) -> str:
    """The targets file that `load` reads back as this inventory; an importer's notes stand on top as comments."""
    document: dict[str, Any] = {}
    if inventory.known_hosts:
        document["known_hosts"] = str(inventory.known_hosts)
    if inventory.probe_communities:
        document["probe_communities_file"] = str(inventory.probe_communities)
    if inventory.credentials or inventory.snmp:
        document["credentials"] = {
            name: credential.model_dump(mode="json", exclude_defaults=True)
            for name, credential in (*inventory.credentials.items(), *inventory.snmp.items())
        }
        for name, credential in inventory.snmp.items():
            if credential.user is not None and credential.auth is None:
                document["credentials"][name]["auth"] = "none"
    document["targets"] = [
        {
            **target.model_dump(mode="json", exclude_none=True, exclude={"labels"}),
            **({"labels": list(target.labels)} if target.labels else {}),
            **({"sudo": inventory.sudo[target.name]} if target.name in inventory.sudo else {}),
            **({"legacy_ssh": True} if target.name in inventory.legacy_ssh else {}),
        }
        for target in inventory.targets
    ]
    notes = "".join(f"# {' '.join(note.split())}\n" for note in inventory.notes)
    return notes + yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=130)


class _Reader:
    """Walks the nodes, because only they know their line, and gathers mistakes instead of stopping at the first."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder
        self.problems: list[tuple[int, str]] = []

    def inventory(self, root: yaml.Node | None) -> Inventory:
        if root is None:
            raise InventoryError([f"{self._name}:1: the file is empty; it needs targets: [{{name: ..., address: ...}}]"])
        top = self._mapping(root, TOP_KEYS, "the file")
        credentials = self._credentials(top.get("credentials"))
        defaults = self._fields(top["defaults"], DEFAULT_KEYS, "defaults") if "defaults" in top else {}
        known_hosts = self._value(top["known_hosts"], text_of) if "known_hosts" in top else None
        targets: list[Target] = []
        sudo: dict[str, bool] = {}
        legacy: set[str] = set()
        lines: dict[str, int] = {}
        if "targets" not in top:
            self._say(root, "no targets; add targets: [{name: ..., address: ...}]")
        for node in self._sequence(top.get("targets"), "targets"):
            fields = self._fields(node, TARGET_KEYS, "a target")
            target = self._target(node, defaults, fields, credentials)
            if target is None:
                continue
            if target.name in lines:
                self._say(node, f"the name {target.name} stands in line {lines[target.name]} already; give each its own")
                continue
            lines[target.name] = _line(node)
            targets.append(target)
            choice = fields.get("sudo", defaults.get("sudo"))
            if choice is not None:
                sudo[target.name] = choice
            if fields.get("legacy_ssh", defaults.get("legacy_ssh")):
                legacy.add(target.name)
        if self.problems:
            raise InventoryError(f"{self._name}:{line}: {what}" for line, what in sorted(set(self.problems)))
        usable = {name: found for name, found in credentials.items() if isinstance(found, Credential)}
        snmp = {name: found for name, found in credentials.items() if isinstance(found, SnmpCredential)}
        weak = self._value(top["probe_communities_file"], text_of) if "probe_communities_file" in top else None
        probes = self._folder / Path(weak).expanduser() if weak else None
        home = self._folder / Path(known_hosts).expanduser() if known_hosts else None
        return Inventory(tuple(targets), usable, sudo, home, legacy_ssh=frozenset(legacy), snmp=snmp, probe_communities=probes)

    def _credentials(self, node: yaml.Node | None) -> dict[str, Credential | SnmpCredential | None]:
        """None for one that is there but wrong: its own mistake is said once, not again at each target."""
        found: dict[str, Credential | SnmpCredential | None] = {}
        for name, body in [] if node is None else self._pairs(node, "credentials"):
            before = len(self.problems)
            fields = self._fields(body, CREDENTIAL_KEYS, f"credential {name}")
            found[name] = None
            model = SnmpCredential if any(key in fields for key in SNMP_KEYS) else Credential
            if model is Credential and "user" not in fields and len(self.problems) == before:
                self._say(body, f"credential {name} has no user; add user: NAME")
            if len(self.problems) > before:
                continue
            for key in fields:
                if key.endswith("_file"):
                    fields[key] = str(self._folder / Path(fields[key]).expanduser())
            try:
                found[name] = model.model_validate({key: value for key, value in fields.items() if value != "none"})
            except ValidationError as error:
                first = error.errors()[0]
                said = first["msg"].removeprefix("Value error, ")
                if first["type"] == "extra_forbidden":
                    said = f"{first['loc'][0]} means nothing beside {' and '.join(k for k in fields if k in SNMP_KEYS)}"
                self._say(body, f"credential {name}: {said}")
        return found

    def _target(
        self,
        node: yaml.Node,
        defaults: dict[str, Any],
        own: dict[str, Any],
        credentials: Mapping[str, Credential | SnmpCredential | None],
    ) -> Target | None:
        fields = {"kind": Kind.SERVER, "via": "ssh", **defaults, **own}
        for key in ("sudo", "legacy_ssh"):
            fields.pop(key, None)
        if fields["via"] == "snmp" and "kind" not in {**defaults, **own}:
            fields["kind"] = Kind.OTHER  # the agent's own description tells, where the table knows it
        fields["labels"] = tuple(dict.fromkeys((*defaults.get("labels", ()), *own.get("labels", ()))))
        name, via = own.get("name"), fields["via"]
        if name is None:
            if isinstance(node, yaml.MappingNode) and not any(key.value == "name" for key, _ in node.value):
                self._say(node, "a target without a name; add name: ...")
            return None
        if via not in FAR:
            for key in ("port", "credential"):
                if key in own:
                    self._say(node, f"{name}: {key} means nothing with via: {via}; remove it")
                fields.pop(key, None)
        if via in ("root", "replay"):
            if "address" not in fields:
                self._say(node, f"{name}: via: {via} needs address: the directory to read")
                return None
            fields["address"] = str(self._folder / Path(fields["address"]).expanduser())
        if via == "winrm":
            fields.setdefault("platform", Platform.WINDOWS)
        if via in FAR:
            if "address" not in fields and not HOST.fullmatch(name):
                self._say(node, f"{name}: the name is no host name; add address: ...")
                return None
            if "address" in fields and not is_address(fields["address"]):
                self._say(node, f"{name}: {fields['address']!r} is no host name and no address; a port goes into port: ...")
            credential = fields.get("credential")
            if credential is None:
                self._say(node, f"{name}: no credential; add credential: NAME here or under defaults")
            elif credential not in credentials:
                near = hint(credential, credentials)
                self._say(node, f"{name}: no credential is called {credential}{near}; add it under credentials")
            elif (found := credentials[credential]) is not None and (via == "snmp") != isinstance(found, SnmpCredential):
                wanted = "community_file, or user with auth" if via == "snmp" else "user with key_file or password_file"
                self._say(node, f"{name}: credential {credential} is not for via: {via}; that needs {wanted}")
        try:
            return Target.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            self._say(node, f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            return None

    def _fields(self, node: yaml.Node, allowed: tuple[str, ...], what: str) -> dict[str, Any]:
        """The values of a mapping, each of its own type; wrong ones are reported and left out."""
        fields = {}
        for key, body in self._mapping(node, allowed, what).items():
            value = self._value(body, READERS[key], key)
            if value is not None:
                fields[key] = value
        return fields

    def _mapping(self, node: yaml.Node, allowed: tuple[str, ...], what: str) -> dict[str, yaml.Node]:
        found = {}
        for key, body in self._pairs(node, what):
            if key in allowed:
                found[key] = body
            elif _SECRET_KEY.search(key):
                # the value is not repeated: it may be the secret itself
                self._say(
                    body,
                    f"{what}: {key}: secrets do not belong in this file; write it to a file that only you can read "
                    "(chmod 600) and name that with password_file or key_file, and change the secret that stood here",
                )
            else:
                self._say(body, f"{what}: unknown key {key}{hint(key, allowed)}; known are {', '.join(allowed)}")
        return found

    def _pairs(self, node: yaml.Node, what: str) -> list[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._say(node, f"{what} must be written as key: value")
            return []
        pairs: dict[str, yaml.Node] = {}
        for key, body in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._say(key, f"{what}: a key must be one word")
            elif key.value in pairs:
                self._say(key, f"{what}: {key.value} stands in line {_line(pairs[key.value])} already; remove one")
            else:
                pairs[key.value] = body
        return list(pairs.items())

    def _sequence(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self._say(node, f"{what} must be a list; begin each with a dash")
            return []
        if not node.value:
            self._say(node, f"{what} is empty")
        return list(node.value)

    def _value(self, node: yaml.Node, read: Callable[[yaml.Node], Any], key: str = "known_hosts") -> Any:
        try:
            return read(node)
        except Bad as problem:
            self._say(node, f"{key}: {problem}")
            return None

    def _say(self, node: yaml.Node, what: str) -> None:
        self.problems.append((_line(node), what))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
