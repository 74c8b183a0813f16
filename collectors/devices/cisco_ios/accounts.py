"""Cisco IOS: accounts, AAA, and what is demanded of passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.devices.cisco_ios.access import login_methods, transports
from collectors.devices.cisco_ios.text import config, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_accounts import AuthServer, DeviceAccount, DeviceAccounts, Secret
from collectors.facts.password_policy import PasswordPolicy
from collectors.transports.base import DeviceCli

_KINDS: dict[str, Secret] = {
    "4": "weak-hash",
    "5": "weak-hash",
    "8": "hash",
    "9": "hash",
    "7": "reversible",
    "6": "reversible",
    "0": "clear",
}
_FACTORY = frozenset({"cisco", "admin", "administrator", "root", "manager", "guest", "user", "test"})
_CLEAR = re.compile(
    r"(?:^| )(?:password|key|key-string|authentication-key|message-digest-key \d+ md5)(?: 0)? (?!\d+ )(?!chain |7 |6 )\S+$"
)
_SHARED = re.compile(
    r"crypto isakmp key (?!6 \S+ (?:address|hostname))|pre-shared-key (?:local |remote )?(?:(?:address|hostname) .*\bkey )?"
    r"(?!(?:local|remote|address|hostname) |6 |hex 6 )\S"
)
_NOT_CLEAR = re.compile(r"^(?:no |key chain |key \d+$|service |security |ntp (?:server|peer|trusted)|crypto key |.* key-chain )")


def device_accounts(cli: DeviceCli) -> DeviceAccounts:
    """Local accounts with the class of their secrets, AAA servers, and in which order a log-on asks them."""
    gaps = Gaps()
    tree = config(cli)
    aaa = bool(tree.flag("aaa new-model"))
    orders = gaps.attempt(("remote_first", "local_fallback"), lambda: _orders(cli, tree)) if aaa else []
    users = tuple(_users(tree))
    own = {"local", "local-case"} if users else set()  # accounts that are not there let nobody in
    return DeviceAccounts(
        users=users,
        enable_secret=_enable(tree),
        servers=tuple(_servers(tree)),
        remote_first=None if orders is None else bool(orders) and all(order[:1] == ("group",) for order in orders),
        local_fallback=None if orders is None else not orders or any({*own, "enable", "line"} & set(order) for order in orders),
        commands_authorised=aaa and gaps.attempt("commands_authorised", lambda: _authorises_commands(cli, tree)),
        accounting=aaa and gaps.attempt("accounting", lambda: accounts_commands(cli, tree)),
        passwords_encrypted=not any(map(_never_encrypted if tree.flag("service password-encryption") else _clear, tree.walk())),
        unseen=gaps.unseen,
    )


def _orders(cli: DeviceCli, tree: Node) -> list[tuple[str, ...]]:
    """The methods of each VTY range somebody can come in by. A group without a server asks nobody and is left out."""
    orders = []
    for line in _entered(cli, tree):
        name = line.value("login authentication ") or "default"
        said = tree.value(f"aaa authentication login {name} ")
        orders.append(_methods(tree, said) if said else login_methods(tree, line))
    return orders


def _entered(cli: DeviceCli, tree: Node) -> list[Node]:
    return [line for line in tree.blocks("line vty ") if transports(cli, line)]


def _methods(tree: Node, said: str) -> tuple[str, ...]:
    """`group NAME` counts as the word `group`."""
    words = re.findall(r"group \S+|\S+", said)
    return tuple(word.split()[0] for word in words if not word.startswith("group ") or _served(tree, word.removeprefix("group ")))


def _served(tree: Node, name: str) -> bool:
    """Some server stands behind a group, the maker's own (`radius`, `tacacs+`, `ldap`) or one by name."""
    kind = name.removesuffix("+")
    if kind in ("radius", "tacacs", "ldap"):
        return any(re.match(rf"{kind}(?:-server host | server )\S", node.text) for node in tree.children)
    return any(
        node.matches(r"server(?:-private)? \S")
        for node in tree.children
        if re.match(rf"aaa group server \S+ {re.escape(name)}$", node.text)
    )


def _authorises_commands(cli: DeviceCli, tree: Node) -> bool:
    """On every VTY range: the list `default`, or the one the line names. A list no line names decides nothing."""
    said = {found[1] for found in tree.matches(r"aaa authorization commands 15 (\S+) (?!.*\bnone\b).*\b(?:group|local)\b")}
    lines = _entered(cli, tree)
    return bool(said) and all((line.value("authorization commands 15 ") or "default") in said for line in lines)


def accounts_commands(cli: DeviceCli, tree: Node) -> bool:
    """The same for reports. Older releases write one line, newer ones a block with `action-type` and `group` below."""
    said = set()
    for node in tree.blocks("aaa accounting commands 15 "):
        groups = [*re.findall(r"\bgroup (\S+)", node.text), *node.lines("group ")]
        if any(_served(tree, group) for group in groups):
            said.add(node.text.split()[4])
    lines = _entered(cli, tree)
    return bool(said) and all((line.value("accounting commands 15 ") or "default") in said for line in lines)


def _clear(node: Node) -> bool:
    return (bool(_CLEAR.search(node.text)) and not _NOT_CLEAR.match(node.text)) or _never_encrypted(node)


def _never_encrypted(node: Node) -> bool:
    """Keys of IPsec stand readable whatever `service password-encryption` says; only `password encryption aes` covers them."""
    return bool(_SHARED.match(node.text))


# --- accounts ---------------------------------------------------------------------------------------------------------


def _users(tree: Node) -> Iterator[DeviceAccount]:
    said: dict[str, str] = {}
    for line in tree.lines("username "):
        name, _, rest = line.partition(" ")
        said[name] = f"{said.get(name, '')} {rest}"
    keys = {name for chain in tree.blocks("ip ssh pubkey-chain") for name in chain.lines("username ")}
    for name, words in said.items():
        level = int(found[-1]) if (found := re.findall(r"\bprivilege (\d+)", words)) else 1
        view = re.search(r"\bview (\S+)", words)
        yield DeviceAccount(
            name=name,
            administrator=None if view else level == 15 or _may_configure(tree, level),
            role=f"view {view[1]}" if view else f"privilege {level}",
            secret=_kind(words) or ("key" if name in keys else None),
            factory=name.lower() in _FACTORY,
        )


def _may_configure(tree: Node, level: int) -> bool:
    """Commands of the configuration were given to this level or one below it."""
    given = tree.matches(r"privilege (?:configure|exec|interface)(?: all)? level (\d+) (?:configure|\S+)")
    return any(int(found[1]) <= level and ("configure" in found[0]) for found in given)


def _kind(words: str) -> Secret | None:
    if re.search(r"\bnopassword\b", words):
        return "none"
    found = re.search(r"\b(secret|password) (?:(\d) )?\S", words)
    if not found:
        return None
    if found[2]:
        return _KINDS.get(found[2])
    return "clear" if found[1] == "password" else None


def _enable(tree: Node) -> Secret | None:
    """The secret counts before the password. Lines for lower levels raise no administrator."""
    if tree.flag("aaa new-model") and "none" in (tree.value("aaa authentication enable default ") or "").split():
        return "none"
    for word in ("secret", "password"):
        for said in reversed(tree.lines(f"enable {word} ")):
            level = re.match(r"level (\d+) ", said)
            if not level or level[1] == "15":
                return _kind(f"{word} {said.removeprefix(level[0]) if level else said}")
    return "none"


def _servers(tree: Node) -> Iterator[AuthServer]:
    shared = {word: _encrypted(tree.value(f"{word}-server key ")) for word in ("tacacs", "radius")}
    for node in tree.children:
        if found := re.match(r"(tacacs|radius|ldap) server \S+$", node.text):
            address = node.value("address ipv4 ") or node.value("address ipv6 ") or node.value("ipv4 ") or node.value("ipv6 ")
            own = _encrypted(node.value("key "))
            if address:
                yield _server(found[1], address.split()[0], own if own is not None else shared.get(found[1]))
        elif found := re.match(r"(tacacs|radius)-server host (\S+)(.*)$", node.text):
            key = re.search(r"\bkey (.+)$", found[3])
            yield _server(found[1], found[2], _encrypted(key[1]) if key else shared[found[1]])
        elif found := re.match(r"aaa group server (tacacs|radius)\S* \S+", node.text):
            for private in node.matches(r"server-private (\S+)(?:.*?\bkey (.+))?$"):
                yield _server(found[1], private[1], _encrypted(private[2]))


def _server(word: str, address: str, encrypted: bool | None) -> AuthServer:
    return AuthServer.model_validate(
        {"protocol": {"tacacs": "tacacs+"}.get(word, word), "address": address, "encrypted_key": encrypted}
    )


def _encrypted(said: str | None) -> bool | None:
    """None without a key of its own."""
    return None if said is None else bool(re.match(r"[67] \S", said))


# --- passwords --------------------------------------------------------------------------------------------------------


def password_policy(cli: DeviceCli) -> PasswordPolicy:
    """Global rules, and the common-criteria policies where every local account is bound to one."""
    gaps = Gaps()
    tree = config(cli)
    policy = _weakest_policy(tree)
    classes = gaps.attempt(("quality_enforced", "min_classes"), lambda: _classes(tree, policy))
    block = re.match(r"(\d+) attempts (\d+) within (\d+)", tree.value("login block-for ") or "")
    fails = tree.value("aaa local authentication attempts max-fail ")
    tries: Limit = int(block[2]) if block else int(fails.split()[0]) if fails else "unlimited"
    return PasswordPolicy(
        quality_enforced=None if classes is None else classes > 0,
        min_length=gaps.attempt("min_length", lambda: _length(cli, tree, policy)),
        min_classes=classes,
        history=None,
        max_age_days=_lifetime(policy),
        min_age_days=None,
        failed_logins_before_lock=tries,
        # max-fail locks until an administrator unlocks, and spares privilege 15 (IOS AAA command reference)
        lock_minutes=int(block[1]) // 60 if block else "unlimited" if fails else None,
        lock_window_minutes=int(block[3]) // 60 if block else None,
        lock_applies_to_root=True if block else False if fails else None,
        empty_passwords_accepted=any(user.secret == "none" for user in _users(tree)),  # noqa: S105
        hash_algorithm=None,
        unseen=gaps.unseen,
    )


def _weakest_policy(tree: Node) -> Node | None:
    """The one policy all local accounts are bound to; None when some account is bound to none, or they differ."""
    bound = {
        name.group(1) if (name := re.search(r"common-criteria-policy (\S+)", line)) else "" for line in tree.lines("username ")
    }
    if len(bound) != 1 or bound == {""}:
        return None
    wanted = f"aaa common-criteria policy {bound.pop()}"
    return next((node for node in tree.children if node.text == wanted), None)


def _length(cli: DeviceCli, tree: Node, policy: Node | None) -> int:
    told = [value for value in (tree.value("security passwords min-length "), policy and policy.value("min-length ")) if value]
    if told:
        return max(int(value.split()[0]) for value in told)
    if resolved(cli):
        return 0
    raise Unsupported("no line `security passwords min-length`, and this release does not write its defaults out")


def _classes(tree: Node, policy: Node | None) -> int:
    restricted = 3 if tree.flag("aaa password restriction") else 0
    if policy is None:
        return restricted
    kinds = ("upper-case ", "lower-case ", "numeric-count ", "special-case ")
    return max(restricted, sum(1 for kind in kinds if int((policy.value(kind) or "0").split()[0]) > 0))


def _lifetime(policy: Node | None) -> Limit:
    """Nothing but a policy's lifetime ever ends a password on IOS."""
    found = re.search(r"(?:day|month|year)s? (\d+)", (policy and policy.value("lifetime ")) or "")
    if not found:
        return "unlimited"
    unit = {"day": 1, "mon": 30, "yea": 365}[found[0][:3]]
    return int(found[1]) * unit
