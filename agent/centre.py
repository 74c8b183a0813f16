"""Talking to the centre through whoever stands between: what is sent only it can open, and what counts only it can have said.

An agent whose enrolment token named the centre's keys seals everything it sends to them, and believes no answer without
the centre's signature: not that a snapshot was stored, not that one was refused, not what it is to do. It does so also
where it reaches the centre by itself, because nothing but those keys tells a relay from a centre.

    202              a relay keeps it; our own copy stays until the centre's receipt comes back (custody.py)
    wrong answers    are named, kept in distrust.json, shown by `rasoat agent status`, and change nothing
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.errors import Refusal, Undelivered
from agent.language import _
from agent.signed import WORK
from agent.state import State
from agent.upload import ABOUT, MACHINE, MEDIA_TYPE, Collector, Offline, Reply
from collectors.centre import FOR_CENTRE, SIGNED, Answer, Centre, CentreError, read_answer, seal_for

CENTRE = "/api/v1/centre"
SLACK = 3600
"""A relay that lost its last minutes to a power cut repeats something a little older; that is no attempt at anything."""
HEARD, DISTRUST = "heard.json", "distrust.json"
_QUESTION = re.compile(r"Rasoat [^:]*:(\d+):")


class Distrusted(Offline):
    """The answer is not the centre's, or not to us, or not of now. It is as good as none, and it is remembered."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hopeless=True)


class SealedCollector(Collector):
    """The same questions and answers as of a collector that is asked directly; what lies between them is checked here."""

    def __init__(
        self,
        url: str,
        ca_file: Path | None,
        proxy: str | None,
        centre: Centre,
        agent: str,
        key: bytes,
        state: State,
        max_days: float,
    ) -> None:
        super().__init__(url, ca_file, proxy)
        self.centre, self.agent, self.state, self.max_days = centre, agent, state, max_days
        self._key = key

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request. Raises Distrusted, besides Offline."""
        sent = dict(headers or {})
        if method == "POST" and body is not None:
            return self._deliver(path, body, sent)
        if method == "GET" and path.partition("?")[0] == WORK:
            return self._work(path, sent)
        return super().ask(method, path, body, sent)

    def receipt(self, snapshot: str, document: Any) -> Reply | None:
        """What the centre said of a snapshot that a relay kept; None for a receipt that is none, which is remembered."""
        try:
            found = self._checked(document, snapshot)
        except Distrusted:
            return None
        if found.body.get("error") == "altered":
            self._distrust(_("what was sent was altered on its way to the centre"))
        return Reply(found.status, found.body, 0.0)

    def _deliver(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        about, machine = headers.pop(ABOUT), headers.pop(MACHINE, "")
        blob = seal_for(self.centre, body, headers.get("Content-Type", MEDIA_TYPE), about, self.agent, machine, self._key)
        reply = super().ask("POST", path, blob, headers | {"Content-Type": FOR_CENTRE})
        if reply.status == 202:
            relay = str(reply.document.get("custody", ""))[:100]
            return Reply(202, {"id": reply.document.get("id"), "custody": relay}, reply.skew)
        answer = self._checked(reply.document, about, reply)
        if answer.body.get("error") == "altered":
            raise self._distrust(_("what was sent was altered on its way to the centre"))
        return Reply(answer.status, answer.body, reply.skew)

    def _work(self, path: str, headers: dict[str, str]) -> Reply:
        question = _QUESTION.match(headers.get("Authorization", ""))
        headers.pop("If-None-Match", None)  # "nothing new" carries no signature: anybody could say so for ever
        reply = super().ask("GET", path, None, headers | {"Accept": SIGNED})
        if reply.status == 401 and reply.document.get("error") == "clock":
            return reply  # a relay's word that our clock is wrong: the next question is signed for another time, no more
        answer = self._checked(reply.document, f"GET {self.base}{path}", reply)
        heard = self.state.read(HEARD) or {}
        last = heard.get("work_at", 0)
        if not (question and answer.asked == int(question[1])):
            # not the answer to this very question: one that somebody kept
            if answer.at < last - SLACK:
                raise self._distrust(_("the centre's instructions are older than those it gave before"))
            if abs(time.time() - answer.at) > self.max_days * 86400:
                raise self._distrust(_("the centre's instructions are more than %d days old") % self.max_days)
        if answer.status == 200:
            self.state.try_keep(HEARD, heard | {"work_at": max(answer.at, last), "relay": answer.relay})
        return Reply(answer.status, answer.body, reply.skew)

    def _checked(self, document: Any, about: str, reply: Reply | None = None) -> Answer:
        try:
            found = read_answer(self.centre, document)
        except CentreError as error:
            if error.code == "forged":
                raise self._distrust(_("an answer is signed with another key than the centre's")) from None
            if reply is not None and reply.status >= 400:
                # a proxy's, or a relay's own: perhaps true, but nothing is given up on its word
                raise Offline(_("%(host)s: %(why)s") % {"host": self._host, "why": reply.complaint}) from None
            raise self._distrust(_("an answer does not bear the centre's signature")) from None
        if found.agent != self.agent:
            raise self._distrust(_("an answer is meant for another agent"))
        if found.about != about:
            raise self._distrust(_("an answer belongs to another question"))
        return found

    def _distrust(self, what: str) -> Distrusted:
        note_distrust(self.state, what, self._host)
        return Distrusted(_("%(host)s: %(why)s; it is not believed") % {"host": self._host, "why": what})


def note_distrust(state: State, what: str, host: str) -> None:
    """Remember it: status shows it for as long as a person has not removed the file."""
    known = state.read(DISTRUST) or {}
    before = known.get(what)
    entry: dict[str, Any] = before if isinstance(before, dict) else {}
    now = int(time.time())
    known[what] = {"times": entry.get("times", 0) + 1, "first": entry.get("first", now), "last": now, "from": host}
    state.try_keep(DISTRUST, known)


def named_in(token: str) -> str:
    """The fingerprint of the centre's keys that an enrolment token or an invitation carries; empty for one without."""
    words = token.split(".")
    return words[3] if len(words) == 4 else ""


def meet(collector: Collector, fingerprint: str) -> tuple[Centre, bool]:
    """The keys of that fingerprint, and whether it was a relay that handed them over.

    Raises Refusal when other keys come, Undelivered when none do.
    """
    try:
        reply = collector.ask("GET", CENTRE)
    except Offline as offline:
        raise Undelivered(_("not enrolled: %s. The token was not used up; try again.") % offline) from None
    try:
        found = Centre.parse(reply.document)
    except CentreError:
        raise Undelivered(_("not enrolled: %(url)s does not show the centre's keys (%(why)s)") % {"url": collector.url, "why": reply.complaint}) from None  # fmt: skip
    if found.fingerprint != fingerprint:
        raise Refusal(
            _(
                "the keys that %s shows are not those of the centre that made the token: something in between put others in their place. Nothing was sent."
            )
            % collector.url
        )
    return found, bool(reply.document.get("relay"))


def ask_sealed(collector: Collector, centre: Centre, path: str, body: bytes) -> Reply:
    """Send somebody's first words: sealed, and answered by the centre alone. Raises Offline, Refusal."""
    import secrets

    about = secrets.token_hex(16)
    blob = seal_for(centre, body, "application/json", about)
    reply = collector.ask("POST", path, blob, {"Content-Type": FOR_CENTRE})
    try:
        answer = read_answer(centre, reply.document)
    except CentreError as error:
        if reply.status >= 400 and error.code != "forged":
            raise Refusal(_("%(url)s refuses: %(why)s") % {"url": collector.url, "why": reply.complaint}) from None
        raise Refusal(_("the answer is not the centre's: something in between made it up")) from None
    if answer.about != about:
        raise Refusal(_("the answer is not the centre's: something in between made it up"))
    return Reply(answer.status, answer.body, reply.skew)
