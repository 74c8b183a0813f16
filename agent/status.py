"""Where this machine stands, told from its own folder: also without network, and without looking again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from agent import limits, station
from agent.config import Config
from agent.custody import REOFFER, Custody
from agent.errors import Refusal
from agent.language import _, current, plural
from agent.run import own_due
from agent.spool import Spool
from agent.state import Damaged, State
from agent.terminal import Ink, clean, columns, pad, width, wrap

SHOWN = 5
MANY = 20


def gather(config: Config) -> dict[str, Any]:
    """Everything `rasoat agent status` shows, as plain data."""
    state = State(config.state_dir)
    spool = Spool(config.state_dir, config.spool_bytes)
    identity, damaged = None, None
    try:
        identity = state.identity()
    except Damaged as error:
        damaged = str(error)
    except Refusal:
        pass  # not enrolled
    last, contact, policy = state.read("last.json"), state.read("contact.json") or {}, state.read("policy.json")
    waiting = spool.waiting()
    heard = state.read("heard.json") or {}
    found: dict[str, Any] = {
        "enrolled": None if damaged else identity is not None,
        "damaged": damaged,
        "agent": identity,
        "policy": policy and {name: policy[name] for name in ("level", "kind", "baseline", "interval_seconds")},
        "schedule": (policy or {}).get("schedule"),
        "recommended_version": (policy or {}).get("recommended_version"),
        "tailoring": policy["tailoring"]["digest"] if policy and policy.get("tailoring") else None,
        "last_scan": last
        and {name: last.get(name) for name in ("collected_at", "snapshot_id", "baseline", "tailoring", "summary", "coverage")},
        "worst": last.get("worst", []) if last else [],
        "contact": {
            name: contact.get(name) for name in ("last_contact", "last_delivery", "last_error", "last_error_at", "verdicts_agree")
        },
        "spool": {
            "waiting": len(waiting),
            "bytes": sum(entry.size for entry in waiting),
            "cap": spool.cap,
            "dropped": spool.dropped(),
            "refused": spool.refusals(),
        },
        "custody": Custody(state).summary(),
        "relay": heard.get("relay") or None,
        "distrusted": state.read("distrust.json") or {},
        "next_scan": None,
        "station": station.gather(config, state, time.time()),
        "limits": limits.Limits.of(config)._asdict(),
        "stopped": limits.last(state),
    }
    if identity is not None:
        now = time.time()
        due = max(own_due(config, state, now), now)
        found["next_scan"] = datetime.fromtimestamp(int(due)).astimezone().isoformat()
    return found


def lines(found: dict[str, Any], size: int, ink: Ink) -> Iterator[str]:
    """The same for a person."""
    rows = list(_rows(found))
    label = max(width(name) for name, _value in rows)
    for name, value in rows:
        yield from wrap(clean(value), size, pad(name, label) + "  ")
    if found["worst"]:
        yield ""
        yield ink(_("Worst first"), "bold")
    for entry in found["worst"][:SHOWN]:
        from agent.report.digest import SEVERITY_WORDS, VERDICT_WORDS
        from baselines.model import Verdict

        words = f"{_(VERDICT_WORDS[Verdict(entry['verdict'])])}, {_(SEVERITY_WORDS[entry['severity']])}"
        yield from wrap(f"{words}: {entry['title'][current()]} [{', '.join(entry['clauses'])}]", size, " - ")
        yield from wrap(entry["remedy"][current()], size, "     ")


def _version() -> str:
    from collectors import VERSION

    return VERSION


def _rows(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    agent, last, contact, spool = found["agent"], found["last_scan"], found["contact"], found["spool"]
    if found["damaged"]:
        yield _("enrolled"), found["damaged"]
    elif agent is None:
        yield _("enrolled"), _("no. Run: rasoat agent enrol URL --token-file FILE")
    else:
        yield (
            _("enrolled"),
            _("as %(name)s in %(unit)s at %(url)s") % {name: agent.get(name, "?") for name in ("name", "unit", "url")},
        )
        yield _("agent"), str(agent.get("agent_id", "?"))
    if last is None:
        yield _("last scan"), _("never")
    else:
        yield _("last scan"), _moment(last["collected_at"])
        baseline = last["baseline"]
        yield _("judged by"), _("%(id)s %(version)s, level %(level)d, sha256 %(digest)s") % baseline
        if last["tailoring"]:
            yield _("tailored"), f"sha256 {last['tailoring']}"
        yield (
            _("verdicts"),
            _("%(fail)d fail, %(unknown)d unknown, %(pass)d pass, %(manual)d by hand, %(not_applicable)d not applicable")
            % last["summary"],
        )
    if found["stopped"]:
        at = _moment(datetime.fromtimestamp(int(found["stopped"]["at"])).astimezone().isoformat())
        yield _("stopped"), f"{at}: {limits.in_words(found['stopped'])}"
    if found["next_scan"]:
        yield _("next scan"), _moment(found["next_scan"])
    wanted, own = found["recommended_version"], _version()
    if wanted and wanted != own:
        yield (
            _("recommended"),
            _("version %(wanted)s; this is %(own)s, and it never replaces itself") % {"wanted": wanted, "own": own},
        )
    yield _("collector heard"), _moment(contact["last_contact"])
    yield _("last delivery"), _moment(contact["last_delivery"])
    if contact["last_error"]:
        yield _("last trouble"), f"{_moment(contact['last_error_at'])}: {contact['last_error']}"
    if contact["verdicts_agree"] is False:
        yield _("attention"), _("the collector judged the same facts differently and has raised an alarm; its verdicts count.")
    waits = plural("%d snapshot waits", "%d snapshots wait", spool["waiting"]) % spool["waiting"]
    yield _("spool"), _("%(waits)s, %(bytes)d of %(cap)d bytes") % {"waits": waits, "bytes": spool["bytes"], "cap": spool["cap"]}
    if spool["dropped"]:
        yield (
            _("dropped"),
            plural("%d older snapshot gave way to a newer one", "%d older snapshots gave way to newer ones", spool["dropped"])
            % spool["dropped"],
        )
    for refusal in spool["refused"]:
        yield _("refused"), f"{refusal['id']}: {refusal.get('why', '?')}"
    yield from _between(found)
    if found["station"] is not None:
        yield from _station(found["station"])


def _between(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What stands between this machine and the centre, and what went wrong there."""
    if found["relay"]:
        yield _("through"), _("the relay %s, which can neither read nor change it") % found["relay"]
    custody = found["custody"]
    if custody["count"]:
        lies = plural("%d snapshot lies with a relay", "%d snapshots lie with a relay", custody["count"]) % custody["count"]
        since = _moment(datetime.fromtimestamp(int(custody["oldest"] or 0)).astimezone().isoformat())
        yield _("not yet confirmed"), _("%(lies)s, the oldest since %(since)s") % {"lies": lies, "since": since}
        if time.time() - (custody["oldest"] or 0) > REOFFER:
            yield (
                _("attention"),
                _("the centre has confirmed nothing for days: the relay has no line, or it holds back the receipts"),
            )
    for what, entry in sorted(found["distrusted"].items()):
        if isinstance(entry, dict):
            at = _moment(datetime.fromtimestamp(int(entry.get("last", 0))).astimezone().isoformat())
            yield _("attention"), _("%(what)s (%(host)s, %(times)d times, last %(at)s)") % {
                "what": what, "host": entry.get("from", "?"), "times": entry.get("times", 1), "at": at,
            }  # fmt: skip


def _station(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    total = "?" if found["listed"] is None else found["listed"]
    yield (
        _("station"),
        _("%(seen)d of %(total)s targets of %(file)s looked at")
        % {"seen": found["looked_at"], "total": total, "file": found["targets_file"]},
    )
    if found["error"]:
        yield _("station's trouble"), found["error"]
    if found["next"] is not None:
        window = _(" (only %s)") % found["window"] if found["window"] else ""
        yield _("next target"), _moment(datetime.fromtimestamp(int(found["next"])).astimezone().isoformat()) + window
    if copies := found["copies"]:
        if copies["error"]:
            yield _("encrypted copies"), _("not kept: %s") % copies["error"]
        else:
            count = plural("%d copy", "%d copies", copies["count"]) % copies["count"]
            yield _("encrypted copies"), count
        for name, why in sorted(copies.get("trouble", {}).items()):
            yield _("not copied"), f"{name}: {why}"
        for name in copies.get("masked", ()):
            yield _("copied in part"), _("%s shows asterisks in place of passwords") % name
    for entry in found["not_reached"][:MANY]:
        yield _("not reached"), f"{entry['name']}: {entry['reason'] or entry['outcome']}"
    if len(found["not_reached"]) > MANY:
        yield _("not reached"), _("and %d more; all of them with --format json") % (len(found["not_reached"]) - MANY)
    for entry in found["refused_log_ons"]:
        yield _("log-on refused"), "{user} @ {host}:{port}".format(**entry)
    if found["stopped_sites"]:
        yield (
            _("log-ons stopped"),
            _("%s: correct the password; the next run notices. To try the same one again: rasoat agent once --retry-log-ons")
            % ", ".join(found["stopped_sites"]),
        )


def _moment(text: str | None) -> str:
    if not text:
        return _("never")
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return text


def show(config: Config, as_json: bool) -> None:
    """Print it."""
    found = gather(config)
    if as_json:
        import json

        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for line in lines(found, columns(sys.stdout), Ink(sys.stdout)):
        print(line)
