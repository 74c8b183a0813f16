"""What discovery found, at the console: strangers first, then who claims the place of another, who is silent, who was not asked."""

from __future__ import annotations

from collections.abc import Iterator

from agent.language import _, mark, plural
from agent.terminal import Colouring, clean, pad, width, wrap
from collectors.discovery.result import Discovery, Duplicate, Found, Registered

MAX_ROWS = 200

_WHY_GAP = {
    "excluded": mark("excluded by the approval"),
    "window": mark("outside the approved window"),
    "failed": mark("could not be asked"),
}
_WHY_NOT = {
    "elsewhere": mark("its address was not among those asked"),
    "name_unknown": mark("nobody knows its name, so it has no address to ask"),
    "not_over_network": mark("it is looked at from files, not over the network"),
    "this_machine": mark("it is this machine, by other addresses than those asked"),
}
_DUPLICATES = {
    "one_card_many_addresses": mark("one network card, several addresses (a router, or somebody answering for others)"),
    "one_address_many_cards": mark("one address, several network cards (an address that was taken over or given out twice)"),
    "registered_twice": mark("one address, several lines of the register"),
}


def lines(found: Discovery, columns: int, ink: Colouring, verbose: bool = False) -> Iterator[str]:
    """The result, line by line. `verbose` adds those that are known and answer."""
    yield from _head(found, columns, ink)
    strangers = list(found.unknown)
    title = _("On the network, not in the register") if found.register_compared else _("On the network")
    colour = "red" if found.register_compared else "green"
    yield from _section(title, [_host(host) for host in strangers], columns, ink, colour)
    yield from _section(_("Two in one place"), [_duplicate(each) for each in found.duplicates], columns, ink, "red")
    for state, words, shade in (
        ("silent", _("In the register, silent (that does not mean gone)"), "yellow"),
        ("seen_in_tables", _("In the register, silent, but tables of the network hold it"), "yellow"),
        ("not_asked", _("In the register, not asked"), "yellow"),
    ):
        yield from _section(words, [_line(each) for each in found.registered if each.state == state], columns, ink, shade)
    known = [host for host in found.hosts if host.known is not None and host.answered]
    if verbose:
        yield from _section(_("In the register, answers"), [_host(host) for host in known], columns, ink, "green")
    yield ""
    yield from _foot(found, len(known), columns)


def _head(found: Discovery, columns: int, ink: Colouring) -> Iterator[str]:
    yield ink(clean(", ".join(found.ranges)), "bold")
    if found.approval:
        words = _("Written approval %(number)s of %(date)s") % {"number": found.approval.number, "date": found.approval.date}
    else:
        words = _("No written approval")
    when = found.started.astimezone().strftime("%Y-%m-%d %H:%M %z")
    yield from wrap(f"{clean(words)} · {when} · " + _("at most %d packets a second") % found.max_rate, columns)
    if not found.privileged:
        yield from wrap(
            _(
                "Without root nmap can only open connections: hosts that refuse them look silent, hardware addresses come from tables, UDP was not tried."
            ),
            columns,
        )


def _section(title: str, rows: list[tuple[str, str]], columns: int, ink: Colouring, colour: str) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield ink(f"{title} ({len(rows)})", "bold", colour)
    shown = rows[:MAX_ROWS]
    label = min(40, max(width(name) for name, _text in shown))
    for name, text in shown:
        yield from wrap(text or "", columns, f" {pad(name, label)}  ", " " * (label + 3))
    if len(rows) > MAX_ROWS:
        more = len(rows) - MAX_ROWS
        yield (
            " "
            + plural("and %d more (all of them with --format json)", "and %d more (all of them with --format json)", more) % more
        )


def _host(host: Found) -> tuple[str, str]:
    card = " ".join(part for part in (host.mac or "", f"({host.vendor})" if host.vendor else "") if part)
    ports = ""
    if host.open_tcp_ports is not None:
        ports = _("open: %s") % (" ".join(map(str, host.open_tcp_ports)) or _("nothing"))
    tables = _("in tables: %s") % ", ".join(host.seen_in) if host.seen_in else ""
    silent = "" if host.answered else _("did not answer") if host.answered is False else _("was not asked")
    own = _("this machine") if host.own else ""
    parts = (host.known or "", host.name, own, card, silent, ports, tables)
    return clean(host.address or host.mac or ""), clean(" · ".join(part for part in parts if part))


def _duplicate(each: Duplicate) -> tuple[str, str]:
    return clean(each.subject), clean(f"{', '.join(each.others)}: {_(_DUPLICATES[each.what])}")


def _line(each: Registered) -> tuple[str, str]:
    why = _(_WHY_NOT[each.why]) if each.why else ""
    return clean(each.name), clean(" · ".join(part for part in (", ".join(each.addresses), why) if part))


def _foot(found: Discovery, known: int, columns: int) -> Iterator[str]:
    counts = found.coverage
    yield from wrap(
        _("%(asked)d of %(wanted)d addresses were asked: %(answered)d answered, %(silent)d were silent.")
        % {"asked": counts.asked, "wanted": counts.wanted, "answered": counts.answered, "silent": counts.silent},
        columns,
    )
    for gap in counts.gaps:
        why = _(_WHY_GAP[gap.why]) + (f": {gap.detail}" if gap.detail else "")
        text = plural(
            "%(count)d address of %(where)s was not asked: %(why)s",
            "%(count)d addresses of %(where)s were not asked: %(why)s",
            gap.addresses,
        )
        yield from wrap(clean(text % {"count": gap.addresses, "where": gap.where, "why": why}), columns, " - ")
    for note in found.notes:
        yield from wrap(f"nmap: {clean(note)}", columns, " - ")
    if found.register_compared:
        yield from wrap(
            plural("%d machine of the register answered.", "%d machines of the register answered.", known) % known, columns
        )
    else:
        yield from wrap(_("No register was given, so nothing can be called unknown: add --known INVENTORY."), columns)
