"""Which ways into SSH does one factor open: a password alone, a key alone, a one-time code alone?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Final, Literal, NamedTuple

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.linux.pam import Pam
from collectors.linux.pam_play import opens
from collectors.linux.sshd_config import boolean
from collectors.linux.sshd_server import Server

Holding = Literal["password", "key", "token"]
HOLDINGS: Final[tuple[Holding, ...]] = ("password", "key", "token")
"""What somebody may have got hold of. A key and a token are both things to have, but two of them: one theft is not enough."""

_KEYWORDS: Final = frozenset(
    {
        "authenticationmethods", "passwordauthentication", "kbdinteractiveauthentication", "pubkeyauthentication", "pubkeyauthoptions",
        "pubkeyacceptedalgorithms", "gssapiauthentication", "hostbasedauthentication", "pamservicename",
    }
)  # fmt: skip
_SWITCHES: Final = {
    "password": "passwordauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "publickey": "pubkeyauthentication",
    "gssapi-with-mic": "gssapiauthentication",
    "gssapi-keyex": "gssapiauthentication",
    "hostbased": "hostbasedauthentication",
}
_OFF_UNLESS_NAMED: Final = frozenset({"gssapiauthentication", "kbdinteractiveauthentication"})
"""`sshd -T` is silent about what was not compiled in."""
_MAX_BLOCKS: Final = 6


class _Way(NamedTuple):
    """One alternative of AuthenticationMethods: everything in it is asked."""

    name: str
    methods: tuple[str, ...]


class _Undecided(Unsupported):
    """What one factor opens here depends on something outside sshd's settings."""


def one_factor_ways(server: Server, pam: Callable[[], Pam]) -> tuple[str, ...]:
    """Names of alternatives that a single factor is enough for; () when each of them asks for two different ones.

    A key skips PAM's questions, so a module for one-time codes protects passwords only, unless AuthenticationMethods asks for both.
    What Match blocks set for some counts like what holds for all. PAM is asked only where sshd's settings do not decide:
    a list that is not empty may lack further ways. Raises a CollectError where some way cannot be told and none is sure.
    """
    views = tuple(_views(server))
    sure, open_questions = _sort(views, None)
    if sure or not open_questions:
        return sure
    sure, open_questions = _sort(views, pam())
    if sure or not open_questions:
        return sure
    raise open_questions[0]


def _views(server: Server) -> Iterator[Server]:
    """The settings of everybody, and of those whom one or several Match blocks meet: the first that sets a keyword wins."""
    yield server
    blocks = [block for block in server.matches if _KEYWORDS & block.keys()]
    if len(blocks) > _MAX_BLOCKS:
        raise Unsupported(f"{len(blocks)} Match blocks change how people prove who they are; how they meet is not played through")
    for number in range(1, len(blocks) + 1):
        for chosen in combinations(blocks, number):
            yield server.under({key: value for block in reversed(chosen) for key, value in block.items()})


def _sort(views: tuple[Server, ...], pam: Pam | None) -> tuple[tuple[str, ...], list[CollectError]]:
    """(ways that one factor surely opens, why others cannot be told). Without `pam` what rests on it is an open question."""
    sure: dict[str, None] = {}
    doubts: list[CollectError] = []
    for view in views:
        ways = [way for way in _ways(view) if all(_on(view, method) for method in way.methods)]
        if not ways:
            doubts.append(
                Unsupported("every way in that AuthenticationMethods names is switched off: how people come in is not known")
            )
        for way in ways:
            try:
                if any(all(_passes(view, method, held, pam) for method in way.methods) for held in HOLDINGS):
                    sure[way.name] = None
            except CollectError as error:
                doubts.append(error)
    blind = views[0].blind
    if blind is not None:
        doubts.append(blind)
    return tuple(sure), doubts


def _ways(view: Server) -> tuple[_Way, ...]:
    said = view.one("authenticationmethods").split()
    if not said or "any" in said:
        return tuple(_Way(method, (method,)) for method in _SWITCHES if method != "gssapi-keyex")
    return tuple(_Way(way, tuple(method.partition(":")[0] for method in way.split(","))) for way in said)


def _on(view: Server, method: str) -> bool:
    if method == "none":
        return True
    if method not in _SWITCHES:
        raise Unparsable(f"AuthenticationMethods: {method[:40]!r} is not a method that OpenSSH knows")
    keyword = _SWITCHES[method]
    if view.effective and keyword in _OFF_UNLESS_NAMED and keyword not in view.values:
        return False
    # keyboard-interactive has nobody but PAM to ask its questions
    return boolean(view.one(keyword)) and (method != "keyboard-interactive" or _pam_is_used(view))


def _pam_is_used(view: Server) -> bool:
    if view.effective and "usepam" not in view.values:
        return False
    return boolean(view.one("usepam"))


def _passes(view: Server, method: str, held: Holding, pam: Pam | None) -> bool:
    """Whoever holds this one thing, and nothing else, gets past the method. Raises a CollectError where it cannot be told."""
    if method == "publickey":
        return held == "key" and not _asks_pin(view)
    if method in ("none", "hostbased"):
        return True  # another machine's word is no factor of a person
    if method.startswith("gssapi"):
        raise _Undecided("Kerberos lets people in: how many factors a ticket takes is decided by its server")
    if not _pam_is_used(view):
        return held == "password"
    if pam is None:
        raise _Undecided("what PAM asks was not looked at")
    return opens(pam, view.values.get("pamservicename", ("sshd",))[0], held)


def _asks_pin(view: Server) -> bool:
    """Only keys in hardware are taken, and they must have asked for their PIN: two factors in one."""
    kinds = view.values.get("pubkeyacceptedalgorithms", ("",))[0].split(",")
    asked = "verify-required" in view.values.get("pubkeyauthoptions", ("none",))[0].replace(",", " ").split()
    return asked and all(kind.startswith(("sk-", "webauthn-sk-")) for kind in kinds)
