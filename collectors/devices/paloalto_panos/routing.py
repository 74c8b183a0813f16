"""PAN-OS: routing protocols of the virtual routers, and whether their neighbours must prove who they are."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.devices.paloalto_panos.text import Config, yes
from collectors.devices.syntax.braces import Block
from collectors.errors import Unsupported
from collectors.facts.redundancy import Routing


def routing(conf: Config) -> Iterator[Routing]:
    """One row per area, peer or interface. Raises Unsupported for the advanced routing engine, which is not read."""
    if next(conf.device.below("network", "logical-router"), None):
        raise Unsupported("the advanced routing engine (logical routers) is not read")
    for router in conf.device.below("network", "virtual-router"):
        for word in ("ospf", "ospfv3"):
            process = router.at("protocol", word)
            if process and yes(process, "enable") is not False:
                yield from _areas(router.name, word, process)
        bgp = router.at("protocol", "bgp")
        if bgp and yes(bgp, "enable") is not False:
            yield from _peers(router.name, bgp)
        rip = router.at("protocol", "rip")
        if rip and yes(rip, "enable") is not False:
            for interface in rip.below("interface"):
                if yes(interface, "enable") is not False:
                    keyed = _digest(rip, interface.word("authentication"))
                    yield Routing(protocol="rip", name=f"{router.name} {interface.name}", authenticated=keyed)


def _areas(router: str, word: str, process: Block) -> Iterator[Routing]:
    """An area counts as signed where each interface that looks for neighbours, and each virtual link, has a profile of its own."""
    for area in process.below("area"):
        shared = area.word("authentication")
        links = [
            _digest(process, link.word("authentication") or shared)
            for kind in ("interface", "virtual-link")
            for link in area.below(kind)
            if yes(link, "enable") is not False and not yes(link, "passive")
        ]
        if links:
            keyed = False if False in links else None if None in links else True
            yield Routing.model_validate({"protocol": word, "name": f"{router} area {area.name}", "authenticated": keyed})


def _digest(process: Block, name: str | None) -> bool | None:
    """A profile with keys; a simple password is a readable word. None for a profile that is not shown."""
    if not name:
        return False
    profile = process.at("auth-profile", name)
    if profile is None or not profile.children:
        return None
    if profile.at("password"):
        return False
    return True if profile.at("md5") or profile.at("ah") or profile.at("esp", "authentication") else None


def _peers(router: str, bgp: Block) -> Iterator[Routing]:
    for group in bgp.below("peer-group"):
        if yes(group, "enable") is False:
            continue
        for peer in group.below("peer"):
            if yes(peer, "enable") is False:
                continue
            name = peer.word("connection-options", "authentication")
            keyed = False if not name else True if bgp.at("auth-profile", name, "secret") else None
            yield Routing(protocol="bgp", name=f"{router} neighbor {peer.name}", authenticated=keyed)
