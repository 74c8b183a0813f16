"""The targets file: every mistake at once, text that stays text, and the importers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.credential import Credential
from collectors.errors import Unreachable, Unsupported
from collectors.inventory import Inventory, InventoryError, load, parse, to_yaml
from collectors.inventory_import import decoded, import_ansible, import_csv, import_nmap
from collectors.model import Kind, Target

GOOD = """
known_hosts: known_hosts
defaults: {credential: ops, labels: [all-linux]}
credentials:
  ops: {user: rasoat, key_file: keys/rasoat, sudo: yes}
  old: {user: admin, password_env: OLD_PASSWORD}
  running: {user: bob, agent: true}
targets:
  - {name: web1, address: 192.0.2.10, labels: [web, hanoi]}
  - {name: db1, kind: workstation, port: 2222, credential: old, sudo: true}
  - {name: v6, address: "2001:db8::1", platform: debian}
  - {name: Máy chủ kế toán, address: ketoan.example, sudo: false}
  - {name: here, via: local}
  - {name: image, via: root, address: images/one}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        parse(text, "t.yaml")
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def test_a_good_file() -> None:
    found = parse(GOOD, folder=Path("/site"))
    web, db, v6, office, here, image = found.targets
    assert web == Target(name="web1", via="ssh", address="192.0.2.10", credential="ops", labels=("all-linux", "web", "hanoi"))
    assert (db.kind, db.port, db.credential, db.address) == (Kind.WORKSTATION, 2222, "old", None)
    assert (v6.address, v6.platform) == ("2001:db8::1", "debian")
    assert (here.via, here.credential) == ("local", None)
    assert image.address == "/site/images/one"
    assert found.known_hosts == Path("/site/known_hosts")
    assert found.credential_of(web) == Credential(user="rasoat", key_file="/site/keys/rasoat", sudo=True)
    assert not found.credential_of(office).sudo
    assert found.credential_of(db).sudo, "the target's word wins"
    with pytest.raises(Unsupported, match="here: no credential"):
        found.credential_of(here)


def test_text_stays_text() -> None:
    text = """
credentials: {c: {user: 010, agent: yes}}
defaults: {credential: c}
targets:
  - {name: no, address: 10.1, labels: [yes, 1.10, 22:30, null-ish]}
  - {name: 0123, address: h.example}
  - {name: 1e3, address: h.example}
  - {name: 2026-11-22, address: h.example}
"""
    found = parse(text.replace("10.1,", "h.example,"))
    assert [target.name for target in found.targets] == ["no", "0123", "1e3", "2026-11-22"]
    assert found.targets[0].labels == ("yes", "1.10", "22:30", "null-ish")
    assert found.credentials["c"].user == "010"


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = """\
defaults: {kind: sever, colour: red}
credentials:
  a: {user: x}
  b: {user: x, password: hunter2}
  c: {key_file: k}
  d: {user: x, agent: true, password_file: p}
  e: {user: x, agent: perhaps}
  e: {user: x, agent: true}
targets:
  - {address: 192.0.2.1}
  - {name: web, credential: e, kind: toaster}
  - {name: web, credential: e}
  - {name: p, credential: e, port: 70000}
  - {name: q, credential: e, address: 300.1.1.1}
  - {name: r, credential: e, address: "192.0.2.1:22"}
  - {name: s, credential: f}
  - {name: t}
  - {name: u, credential: e, adress: x}
  - {name: v, via: root}
  - {name: w, credential: e, labels: web}
  - just a word
  - {name: x, via: telnet, credential: e}
  - {name: "two words", credential: e}
  - {name: y, via: local, port: 22}
  - {name: z, credential: e, sudo: 1}
  - {name: , credential: e}
extra: 1
"""
    found = problems(text)
    said = "\n".join(found)
    for line, words in {
        1: "'sever' is not known, did you mean server?",
        3: "credential a: says no way to log on; give key_file",
        4: "password: secrets do not belong in this file",
        5: "credential c has no user",
        6: "agent and a password exclude each other",
        7: "'perhaps' is neither true nor false",
        8: "e stands in line 7 already",
        10: "a target without a name",
        11: "'toaster' is not known; known are server, workstation",
        12: "the name web stands in line 11 already",
        13: "'70000' is no port",
        14: "'300.1.1.1' is no host name",
        15: "a port goes into port",
        16: "no credential is called f",
        17: "t: no credential; add credential",
        18: "unknown key adress, did you mean address?",
        19: "v: via: root needs address",
        20: "labels: must be a list",
        21: "a target must be written as key: value",
        22: "'telnet' is not known",
        23: "the name is no host name; add address",
        24: "port means nothing with via: local",
        25: "'1' is neither true nor false",
        26: "name: has no value",
        27: "unknown key extra",
    }.items():
        assert any(problem.startswith(f"t.yaml:{line}: ") and words in problem for problem in found), (line, words, said)
    assert "unknown key colour" in said
    assert [int(problem.split(":")[1]) for problem in found] == sorted(int(problem.split(":")[1]) for problem in found)
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "t.yaml:1: the file is empty"),
        ("a: [", "t.yaml:1: not YAML"),
        ("targets:\n  - {name: a\n", "not YAML"),
        ("[" * 5000, "not YAML"),
        ("- a", "t.yaml:1: the file must be written as key: value"),
        ("targets: []", "t.yaml:1: targets is empty"),
        ("credentials: {}", "no targets; add targets"),
        ("targets: {name: x}", "targets must be a list"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ("targets: [{name: x, via: local, ? [a] : b}]", "a key must be one word"),
        ("targets: [{name: x, via: local, secret: abc}]", "secrets do not belong"),
        ("targets: [{name: x, via: local}, {name: x, <<: {via: local}}]", "unknown key <<"),
    ],
)
def test_what_is_no_targets_file(text: str, words: str) -> None:
    found = problems(text)
    assert any(words in problem for problem in found), found
    assert all(problem.startswith("t.yaml:") for problem in found)


def outcome(read: Callable[[str], Inventory], text: str) -> Inventory | tuple[str, ...]:
    """The inventory, or the mistakes; anything else that is raised fails the test."""
    try:
        return read(text)
    except InventoryError as error:
        return error.problems


@given(st.text(max_size=200))
def test_any_text_is_an_inventory_or_a_list_of_mistakes(text: str) -> None:
    for read in (parse, import_ansible, import_csv, import_nmap):
        assert outcome(read, text)


@given(st.lists(st.sampled_from(["targets:", "  - ", "name: ", "{", "}", "[", "]", "a", "via: ", "root", "\n", ", ", "address: ", "ssh", "&x ", "*x", "!t "]), max_size=30).map("".join))  # fmt: skip
def test_nearly_right_files_are_no_crash(text: str) -> None:
    assert outcome(parse, text)


def test_a_file_in_other_clothes(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert len(load(file).targets) == 6
    file.write_bytes(b"targets:\n  - {name: x, via: local, labels: [\xe1]}\n")
    with pytest.raises(InventoryError, match=r"t\.yaml:2: not UTF-8"):
        load(file)
    with pytest.raises(InventoryError, match="No such file"):
        load(tmp_path / "absent.yaml")


def test_choosing_by_name_and_label() -> None:
    found = parse(GOOD)
    assert [target.name for target in found.select(["db1", "hanoi"])] == ["web1", "db1"]
    assert found.select([]) == found.targets
    with pytest.raises(InventoryError, match=r"hanio: no target and no label is called so, did you mean hanoi\?"):
        found.select(["web1", "hanio"])


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    found = parse(GOOD, folder=Path("/site"))
    assert parse(to_yaml(found), folder=Path("/elsewhere")) == found


def test_secrets_are_read_late_and_only_from_private_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret with blank \n")
    file.chmod(0o640)
    credential = Credential(user="u", password_file=str(file))
    with pytest.raises(Unreachable, match=f"chmod 600 {file}"):
        credential.password()
    file.chmod(0o600)
    assert credential.password() == "s3cret with blank "
    assert "s3cret" not in repr(credential) + credential.model_dump_json()
    file.write_text("one\ntwo\n")
    with pytest.raises(Unreachable, match="one line") as caught:
        credential.password()
    assert "two" not in str(caught.value)
    monkeypatch.setenv("X_PASSWORD", "from the environment")
    assert Credential(user="u", password_env="X_PASSWORD").password() == "from the environment"


ANSIBLE_INI = """
# a comment
mail.example
[web]
web[01:03].example ansible_user=deploy ansible_ssh_private_key_file=/keys/deploy
odd ansible_host=192.0.2.7 ansible_port=2222 ansible_user=root ansible_password="s3cret word"  # here
[db]
db-[a:b].example ansible_user=deploy ansible_ssh_private_key_file=/keys/deploy
win ansible_connection=winrm
[site:children]
web
db
[web:vars]
ansible_become=true
[all:vars]
ansible_port=22
ntp=192.0.2.1
"""

ANSIBLE_YAML = """
all:
  vars: {ansible_user: deploy, ansible_become: yes}
  hosts:
    mail.example:
  children:
    web:
      hosts:
        web[1:2].example: {ansible_port: 2222}
        no: {ansible_host: 192.0.2.9, ansible_become: false}
      vars: {vault_password: !vault abc, ansible_password: s3cret}
"""


def test_an_ansible_inventory_in_ini() -> None:
    found = import_ansible(ANSIBLE_INI)
    by_name = {target.name: target for target in found.targets}
    assert list(by_name) == [
        "mail.example",
        "web01.example",
        "web02.example",
        "web03.example",
        "odd",
        "db-a.example",
        "db-b.example",
    ]
    assert by_name["web02.example"].labels == ("web", "site")
    assert by_name["odd"].address == "192.0.2.7"
    assert by_name["odd"].port == 2222
    assert found.credential_of(by_name["web01.example"]) == Credential(user="deploy", key_file="/keys/deploy", sudo=True)
    assert by_name["db-a.example"].credential == by_name["web01.example"].credential
    assert not found.credential_of(by_name["db-a.example"]).sudo
    assert by_name["mail.example"].credential is None
    said = "\n".join(found.notes)
    assert "odd: ansible_password left out" in said
    assert "win: left out: ansible_connection winrm" in said
    assert "s3cret" not in said + to_yaml(found)
    # the one thing left to do is what the notes say
    with pytest.raises(InventoryError) as caught:
        parse(to_yaml(found))
    assert [p for p in caught.value.problems if "mail.example: no credential" not in p] == []


def test_an_ansible_inventory_in_yaml() -> None:
    found = import_ansible(ANSIBLE_YAML)
    assert [(t.name, t.address, t.port, t.labels) for t in found.targets] == [
        ("mail.example", None, None, ()),
        ("web1.example", None, 2222, ("web",)),
        ("web2.example", None, 2222, ("web",)),
        ("no", "192.0.2.9", None, ("web",)),
    ]
    assert found.sudo == {"mail.example": True, "web1.example": True, "web2.example": True, "no": False}
    assert "s3cret" not in "\n".join(found.notes) + to_yaml(found)
    assert parse(to_yaml(found)).targets == found.targets


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[web\nx y", "i:2: 'y' is not key=value"),
        ("[web:hosts2]\n", "i:1: [web:hosts2]"),
        ("web[1:999999999]\n", "larger one than"),
        ("web[5:1]\n", "is no range"),
        ('x a="b\n', "i:1: No closing quotation"),
        ("all:\n  hosts: {a: {\n", "not YAML"),
    ],
)
def test_a_broken_ansible_inventory(text: str, words: str) -> None:
    with pytest.raises(InventoryError) as caught:
        import_ansible(text, "i")
    assert words in str(caught.value)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("dress", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table(mark: str, dress: str) -> None:
    rows = [
        ["Name", "address", "kind", "owner", "port", "labels", "credential", "sudo"],
        ["Máy chủ 1", "192.0.2.1", "server", "An", "2222", "web hanoi", "ops", "yes"],
        ["", "", "", "", "", "", "", ""],
        ["pc-2", "", "Workstation", "", "", "", "ops", ""],
    ]
    raw = "\r\n".join(mark.join(row) for row in rows).encode(dress)
    found = import_csv(decoded(raw))
    assert found.targets == (
        Target(name="Máy chủ 1", via="ssh", address="192.0.2.1", port=2222, labels=("web", "hanoi"), credential="ops"),
        Target(name="pc-2", via="ssh", kind=Kind.WORKSTATION, credential="ops"),
    )
    assert found.sudo == {"Máy chủ 1": True}
    assert found.notes == ("columns left out: owner", "add these under credentials: ops")


def test_a_table_with_mistakes_tells_them_all() -> None:
    text = (
        "name,address,kind,port,sudo\na,192.0.2.1,server,0,\nb,x y,toaster,22,\na2,,,,,,,\nc,192.0.2.1,,,maybe\nc,192.0.2.2,,,\n"
    )
    with pytest.raises(InventoryError) as caught:
        import_csv(text, "t.csv")
    said = str(caught.value)
    for words in ("t.csv:2: port: '0'", "t.csv:3: kind: 'toaster'", "t.csv:3: address: 'x y'", "t.csv:4: 8 columns", "t.csv:5: sudo: 'maybe'", "t.csv:6: the name c stands in line 5"):  # fmt: skip
        assert words in said
    with pytest.raises(InventoryError, match="no heading line"):
        import_csv("web1,192.0.2.1\n")
    with pytest.raises(InventoryError, match="line 2: not UTF-8"):
        decoded(b"name\nm\xe1y")


NMAP = """<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun scanner="nmap">
<host><status state="up"/><address addr="192.0.2.1" addrtype="ipv4"/><address addr="00:00:5E:00:53:01" addrtype="mac"/>
 <hostnames><hostname name="web.example"/></hostnames>
 <ports><port protocol="tcp" portid="22"><state state="closed"/></port>
  <port protocol="tcp" portid="2222"><state state="open"/><service name="ssh"/></port></ports>
 <os><osmatch><osclass type="general purpose"/></osmatch></os></host>
<host><status state="up"/><address addr="192.0.2.2" addrtype="ipv4"/>
 <ports><port protocol="tcp" portid="22"><state state="open"/></port></ports></host>
<host><status state="up"/><address addr="192.0.2.3" addrtype="ipv4"/>
 <ports><port protocol="tcp" portid="80"><state state="open"/></port></ports></host>
<host><status state="down"/><address addr="192.0.2.4" addrtype="ipv4"/></host>
<host><status state="up"/><address addr="2001:db8::5" addrtype="ipv6"/>
 <hostnames><hostname name="web.example"/></hostnames>
 <ports><port protocol="tcp" portid="22"><state state="open"/><service name="ssh"/></port></ports>
 <os><osmatch><osclass type="router"/></osmatch></os></host>
</nmaprun>"""


def test_an_nmap_result() -> None:
    found = import_nmap(NMAP)
    assert found.targets == (
        Target(name="web.example", via="ssh", address="192.0.2.1", port=2222),
        Target(name="192.0.2.2", via="ssh", address="192.0.2.2", kind=Kind.OTHER),
        Target(name="web.example (2001:db8::5)", via="ssh", address="2001:db8::5", kind=Kind.ROUTER),
    )
    assert found.notes[0].startswith("192.0.2.2: nmap does not say what it is")
    assert any(note.startswith("192.0.2.3: no open SSH port") for note in found.notes)


@pytest.mark.parametrize("text", ["", "<nmaprun>", "<other/>", '<!DOCTYPE x [<!ENTITY a "aaaa">]><nmaprun>&a;</nmaprun>'])
def test_what_is_no_nmap_result(text: str) -> None:
    with pytest.raises(InventoryError, match=r"nmap\.xml:\d+: "):
        import_nmap(text)


def test_a_device_names_its_enable_word_and_old_algorithms(tmp_path: Path) -> None:
    text = """
credentials:
  net: {user: rasoat, password_file: net.pw, enable_password_file: en.pw}
  env: {user: rasoat, password_env: PW, enable_password_env: EN}
targets:
  - {name: sw1, kind: switch, platform: cisco_ios, credential: net, legacy_ssh: true}
  - {name: sw2, kind: switch, platform: cisco_ios, credential: env}
"""
    found = parse(text, folder=tmp_path)
    assert found.legacy_ssh == {"sw1"}
    assert found.credentials["net"].enable_password_file == str(tmp_path / "en.pw")
    assert found.credentials["env"].enable_password_env == "EN"
    assert parse(to_yaml(found), folder=tmp_path).legacy_ssh == {"sw1"}


def test_an_enable_word_lies_in_one_place_and_not_in_the_file(tmp_path: Path) -> None:
    both = "credentials: {c: {user: u, agent: true, enable_password_file: a, enable_password_env: B}}\ntargets: [{name: t, credential: c}]\n"
    with pytest.raises(InventoryError, match="enable_password_file and enable_password_env exclude each other"):
        parse(both)
    with pytest.raises(InventoryError, match="secrets do not belong in this file") as caught:
        parse("credentials: {c: {user: u, agent: true, enable_password: Hunter22}}\ntargets: [{name: t, credential: c}]\n")
    assert "Hunter22" not in str(caught.value)


def test_the_enable_word_is_read_when_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "en.pw"
    file.write_text("Nang-Quyen1\n")
    credential = Credential(user="u", agent=True, enable_password_file=str(file))
    with pytest.raises(Unreachable, match="chmod 600"):
        credential.enable_password()
    file.chmod(0o600)
    assert credential.enable_password() == "Nang-Quyen1"
    assert Credential(user="u", agent=True).enable_password() is None
