"""RouterOS: VPN servers people come in by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from collectors.devices.mikrotik_routeros.text import Config, seconds
from collectors.devices.syntax.routeros import Item
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, Limit
from collectors.facts.device_access import Vpn

_SERVERS: tuple[tuple[str, str, Literal["ssl", "l2tp", "pptp"], str], ...] = (
    ("pptp", "interface pptp-server server", "pptp", ""),
    ("l2tp", "interface l2tp-server server", "l2tp", ""),
    ("sstp", "interface sstp-server server", "ssl", "verify-client-certificate"),
    ("ovpn", "interface ovpn-server server", "ssl", "require-client-certificate"),
)
_LISTS = ("interface ovpn-server server",)
"""A menu of many things on newer releases, which holds none until somebody adds one."""


def vpns(conf: Config, gaps: Gaps) -> tuple[Vpn, ...]:
    """Servers that are on. Raises Unsupported where a tunnel takes callers and it is not told whether they are people."""
    _no_unknown_callers(conf)
    rows = tuple(_rows(conf, gaps))
    if any(row.least_tls is None and row.kind == "ssl" for row in rows):
        gaps.note("vpns[].least_tls", "unsupported", "tls-version is any: which is the oldest is not told by this release")
    return rows


def _rows(conf: Config, gaps: Gaps) -> Iterator[Vpn]:
    for name, menu, kind, certificate in _SERVERS:
        for item in _on(conf, menu):
            yield Vpn(
                name=name,
                kind=kind,
                two_factors=_factors(conf, item, certificate, gaps),
                idle_seconds=_idle(conf, item, gaps),
                least_tls="1.2" if kind == "ssl" and item.word("tls-version") == "only-1.2" else None,
            )
    for item in conf.active("ip ipsec identity"):
        if item.word("mode-config") not in (None, "", "none", "request-only"):
            gaps.note(("vpns[].two_factors", "vpns[].idle_seconds"), "unsupported", "of IPsec callers no menu tells it")
            yield Vpn(name=f"ipsec {item.word('peer') or ''}".strip(), kind="ipsec", two_factors=None)


def _on(conf: Config, menu: str) -> list[Item]:
    """The server's settings; OpenVPN has several since 7.17, each an item that may be disabled."""
    found = []
    if not conf.has(menu) and conf.has("ppp profile") and menu not in _LISTS:
        raise Unsupported(f"not shown, though this release has it: /{menu}")
    for item in conf.items(menu):
        word = item.word("enabled")
        on = word if word is not None else "no" if item.disabled else "yes" if item.verb == "add" else None
        if on not in ("yes", "no"):
            raise Unparsable(f"line {item.line}: whether /{menu} is on is not told")
        if on == "yes":
            found.append(item)
    return found


def _factors(conf: Config, item: Item, certificate: str, gaps: Gaps) -> bool | None:
    """A certificate beside the password is a second factor; RADIUS may ask for one we do not see."""
    if certificate and item.word(certificate) == "yes":
        return True
    if conf.on("ppp aaa", "use-radius"):
        gaps.note("vpns[].two_factors", "unsupported", "RADIUS decides; whether it demands a second factor is not seen here")
        return None
    return False


def _idle(conf: Config, item: Item, gaps: Gaps) -> Limit | None:
    """The longest of the profiles callers may get: the server's own and those of their accounts."""
    names = {item.word("default-profile") or ""}
    names |= {each.word("profile") or "" for each in conf.active("ppp secret")} - {""}
    profiles = {each.word("name"): each for each in conf.items("ppp profile")}
    longest = 0
    for name in sorted(names):
        if name not in profiles:
            gaps.note("vpns[].idle_seconds", "unparsable", f"the profile {name[:30]} is not in the configuration")
            return None
        word = profiles[name].word("idle-timeout") or ""
        if word in ("", "none") or seconds(word) == 0:
            return "unlimited"
        longest = max(longest, seconds(word))
    if conf.on("ppp aaa", "use-radius"):
        gaps.note("vpns[].idle_seconds", "unsupported", "RADIUS may give each caller another time")
        return None
    return longest


def _no_unknown_callers(conf: Config) -> None:
    for peer in conf.active("interface wireguard peers"):
        if not peer.word("endpoint-address"):
            raise Unsupported("WireGuard takes callers from anywhere; whether they are people is not told")
    try:
        home = conf.say("ip cloud", "back-to-home-vpn")
    except Unsupported:
        return
    if home == "enabled":
        raise Unsupported("Back To Home (WireGuard) takes callers; which factors they show is not told")
