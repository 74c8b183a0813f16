"""E-mail against a real SMTP server on loopback (aiosmtpd)."""

from __future__ import annotations

import email
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from server.assess import judge
from server.journal.models import Entry
from server.outlets import deliver, mail
from server.outlets.models import Outlet
from tests.server.findings import Fleet
from tests.server.outlets import LOOPBACK, Authority, Clock, free_port, fresh, outlet, run

ONE, TWO = "mot@so.example.vn", "hai@so.example.vn"
PASSWORD = "a password of the tests"


class Server:
    """Takes mail, puts recipients off or refuses them as the test says."""

    def __init__(self, authority: Authority, how: str = "starttls") -> None:
        self.got: list[tuple[str, EmailMessage]] = []
        self.put_off: dict[str, int] = {}
        self.refused: set[str] = set()
        self.tried = 0
        self.logged_on: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.pair())
        tls = (
            {"tls_context": context, "require_starttls": True}
            if how == "starttls"
            else {"ssl_context": context}
            if how == "smtps"
            else {}
        )

        def log_on(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
            good = given.password == PASSWORD.encode()
            self.logged_on += [given.login.decode()] if good else []
            return AuthResult(success=good, handled=False)

        self.how = how
        self.controller = Controller(
            self, hostname="127.0.0.1", port=free_port(), authenticator=log_on, auth_require_tls=how == "starttls",
            auth_required=how != "smtp", **tls,
        )  # fmt: skip
        self.controller.start()
        self.url = f"{how}://127.0.0.1:{self.controller.port}"

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        self.tried += 1
        if self.put_off.get(address, 0) > 0:
            self.put_off[address] -= 1
            return "451 4.7.1 greylisted, come again"
        if address in self.refused:
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        raw = envelope.content
        assert isinstance(raw, bytes)
        self.got += [(to, email.message_from_bytes(raw, policy=policy.default)) for to in envelope.rcpt_tos]  # type: ignore[misc]
        return "250 OK"

    def of(self, recipient: str) -> list[EmailMessage]:
        return [made for to, made in self.got if to == recipient]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    made = Server(authority)
    yield made
    made.controller.stop()


@pytest.fixture(autouse=True)
def loopback(settings) -> None:
    settings.CONFIG = LOOPBACK


def post(unit: Any, server: Server, authority: Authority, **wish: Any) -> Outlet:
    options = {
        "sender": "rasoat@so.example.vn",
        "recipients": [ONE, TWO],
        "hours": 24,
        "per_hour": 3,
        "user": "rasoat",
    } | wish.pop("options", {})
    given = {"ca": authority.pem, "secret": PASSWORD, "name": "thư"} | wish
    return outlet(unit, "mail", server.url, options=options, **given)


def alarm(tree: Any, name: str) -> None:
    judge.raise_alarm(Fleet.of(1).machine(tree["north"], name), "forged")


def text(made: EmailMessage, kind: str = "plain") -> str:
    part = made.get_body((kind,))
    assert part is not None
    return str(part.get_content())


pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")]


def test_an_alarm_goes_at_once_to_each_in_vietnamese(tree, server: Server, authority: Authority) -> None:
    known, clock = post(tree["root"], server, authority), Clock(timezone.now())
    alarm(tree, "máy-01")
    assert run(known, clock) == 1
    assert [to for to, _made in server.got] == [ONE, TWO]
    made = server.of(ONE)[0]
    assert str(made["To"]) == ONE, "no recipient sees the others"
    assert str(made["Subject"]).strip().startswith("Sở: ")
    assert "máy-01" in str(made["Subject"])
    for kind in ("plain", "html"):
        assert "máy-01" in text(made, kind)
    assert made["Auto-Submitted"] == "auto-generated"
    assert set(server.logged_on) == {"rasoat"}
    assert run(known, clock) == 0


def test_in_english_where_that_is_asked(tree, server: Server, authority: Authority) -> None:
    known = post(tree["root"], server, authority, language="en")
    alarm(tree, "m")
    run(known, Clock(timezone.now()))
    assert "Alarm raised" in str(server.of(ONE)[0]["Subject"])


def test_so_many_mails_an_hour_and_what_is_over_together(tree, server: Server, authority: Authority) -> None:
    known, clock = post(tree["root"], server, authority), Clock(timezone.now())
    for number in range(3):
        alarm(tree, f"máy-{number}")
        assert run(known, clock) == 1
        clock.on(minutes=1)
    for number in range(3, 20):
        alarm(tree, f"máy-{number}")
        assert run(known, clock) == 0
    assert not deliver.waiting(fresh(known), clock.now)
    assert len(server.of(ONE)) == 3
    clock.on(minutes=57)
    assert deliver.waiting(fresh(known), clock.now)
    assert run(known, clock) == 17
    last = server.of(ONE)[3]
    assert "17" in str(last["Subject"])
    lines = text(last).splitlines()
    assert all(any(line.endswith(f": máy-{number}") for line in lines) for number in range(3, 20))


def test_greylisted_comes_again_and_nobody_has_it_twice(tree, server: Server, authority: Authority) -> None:
    known, clock = post(tree["root"], server, authority), Clock(timezone.now())
    server.put_off[TWO] = 2
    alarm(tree, "máy-01")
    assert run(known, clock) == 0
    assert fresh(known).error == f"{TWO}: 451 4.7.1 greylisted, come again"
    alarm(tree, "máy-02")
    for _again in range(2):
        clock.now = fresh(known).next_at or clock.now
        run(known, clock)
    assert ["máy-01" in text(made) for made in server.of(ONE)] == [True, False]
    assert ["máy-01" in text(made) for made in server.of(TWO)] == [True, False]
    assert [made["Message-ID"] for made in server.of(ONE)] == [made["Message-ID"] for made in server.of(TWO)]
    assert fresh(known).error == ""


def test_one_who_is_refused_is_named_and_the_others_go_on(tree, server: Server, authority: Authority) -> None:
    known, clock = post(tree["root"], server, authority), Clock(timezone.now())
    server.refused.add(ONE)
    alarm(tree, "máy-01")
    assert run(known, clock) == 2, "the alarm, and that not everybody has it"
    assert "máy-01" in text(server.of(TWO)[0])
    assert ONE in text(server.of(TWO)[1])
    assert fresh(known).error == f"{ONE}: 550 5.1.1 no such person"
    assert Entry.objects.get(action="outlet.failing").detail["code"] == fresh(known).error
    alarm(tree, "máy-02")
    run(known, clock)
    assert Entry.objects.filter(action="outlet.failing").count() == 1, "told once"
    server.refused.add(TWO)
    alarm(tree, "máy-03")
    clock.on(hours=2)
    assert run(known, clock) == 0
    assert fresh(known).failing_since == clock.now, "nobody has it: it is not delivered"
    server.refused.clear()
    clock.now = fresh(known).next_at or clock.now
    assert run(known, clock) >= 1
    assert any("máy-03" in text(made) for made in server.of(ONE))


def test_one_digest_a_period_with_counts_of_each_unit(tree, server: Server, authority: Authority) -> None:
    known = post(tree["root"], server, authority, tells=("verdicts",), severity=1, direction="both")
    clock, fleet = Clock(timezone.now()), Fleet.of(4)
    machines = [fleet.machine(tree[name], f"máy-{name}-{number}") for name in ("north", "south") for number in range(2)]
    for machine in machines:
        fleet.report(machine, 0, "PPPP")
        fleet.report(machine, 1, "FFFF")
    fleet.report(machines[3], 2, "PPPP")
    assert run(known, clock) == 0
    assert not deliver.waiting(fresh(known), clock.now)
    clock.now = deliver.next_digest(fresh(known))
    assert deliver.waiting(fresh(known), clock.now)
    assert run(known, clock) == 20
    made = server.of(ONE)[0]
    assert (len(server.of(ONE)), len(server.of(TWO))) == (1, 1)
    assert str(made["Subject"]).strip() == "Sở: 16 kết luận xấu đi, 4 kết luận tốt lên"
    assert "Phòng Bắc: Xấu đi 8, Tốt lên 0" in text(made)
    assert "Phòng Nam: Xấu đi 8, Tốt lên 4" in text(made)
    assert "và 2 thay đổi khác" in text(made)
    assert [line.split("[")[1].split("]")[0] for line in text(made).splitlines() if "[" in line][:3] == ["nghiêm trọng"] * 2 + [
        "cao"
    ]
    clock.now = deliver.next_digest(fresh(known))
    assert run(known, clock) == 0
    assert len(server.of(ONE)) == 1, "no mail where nothing turned"


def test_a_digest_counts_what_is_neither_by_itself(tree, server: Server, authority: Authority) -> None:
    known = post(tree["root"], server, authority, tells=("verdicts",), severity=1, direction="both", language="en")
    fleet = Fleet.of(12)
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "F" * 11 + "P")
    fleet.report(machine, 1, "U" * 10 + "PF")
    assert run(known, Clock(deliver.next_digest(fresh(known)))) == 12
    made = server.of(ONE)[0]
    assert str(made["Subject"]).strip() == "Sở: 1 verdicts got worse, 1 got better"
    for kind in ("plain", "html"):
        assert "Got better: 1. Neither better nor worse: 10." in text(made, kind)
        assert "Got worse 1, Got better 1, Neither better nor worse 10" in text(made, kind)
        assert "and 2 more" in text(made, kind)
    lines = [line for line in text(made).splitlines() if "[" in line]
    assert "Pass → Fail" in lines[0], "what got worse comes first"
    assert not any("→ Pass" in line for line in lines), "and what got better last"


def test_a_digest_that_was_put_off_is_the_same_mail_later(tree, server: Server, authority: Authority) -> None:
    known = post(tree["root"], server, authority, tells=("verdicts",), severity=1)
    fleet = Fleet.of(1)
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "P")
    fleet.report(machine, 1, "F")
    server.put_off[TWO] = 1
    clock = Clock(deliver.next_digest(fresh(known)))
    assert run(known, clock) == 0
    fleet.report(machine, 2, "P")
    fleet.report(machine, 3, "F")
    clock.now = fresh(known).next_at or clock.now
    assert run(known, clock) == 1
    assert len(server.got) == 2
    assert server.of(ONE)[0]["Message-ID"] == server.of(TWO)[0]["Message-ID"]
    assert text(server.of(ONE)[0]) == text(server.of(TWO)[0])
    clock.now = deliver.next_digest(fresh(known))
    assert run(known, clock) == 1, "what turned meanwhile is in the next one"


def test_a_digest_of_a_month_keeps_what_turned_at_its_beginning(tree, server: Server, authority: Authority) -> None:
    known = post(tree["root"], server, authority, tells=("verdicts",), severity=1, options={"hours": 744})
    clock, fleet = Clock(timezone.now()), Fleet.of(1)
    machine = fleet.machine(tree["north"], "máy-01")
    fleet.report(machine, 0, "P")
    fleet.report(machine, 1, "F")
    clock.on(days=30)
    assert run(known, clock) == 0
    assert not deliver.overdue(fresh(known), clock.now)
    assert "skipped" not in fresh(known).kept
    clock.on(days=1, minutes=1)
    assert run(known, clock) == 1
    assert "máy-01" in text(server.of(ONE)[0])


def test_a_digest_to_nobody_is_left_out_in_the_end(tree, server: Server, authority: Authority, settings) -> None:
    known = post(tree["root"], server, authority, tells=("verdicts",), severity=1, options={"hours": 48})
    fleet = Fleet.of(1)
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "P")
    fleet.report(machine, 1, "F")
    server.refused |= {ONE, TWO}
    clock = Clock(timezone.now() + timedelta(days=settings.CONFIG.keep_outlet_days + 2, minutes=1))
    run(known, clock)
    assert fresh(known).kept["skipped"]["count"] == 1


def test_a_digest_does_not_stand_for_the_count_of_what_was_left_out(tree, server: Server, authority: Authority) -> None:
    known = post(tree["root"], server, authority, tells=("alarms", "verdicts"), severity=1)
    fleet = Fleet.of(1)
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "P")
    fleet.report(machine, 1, "F")
    clock = Clock(deliver.next_digest(fresh(known)))
    full = [clock.now.isoformat()] * 3
    left = {"count": 7, "said": 7, "since": clock.now.isoformat(), "before": clock.now.isoformat()}
    Outlet.objects.update(kept={"times": full, "skipped": left})
    assert run(known, clock) == 1
    assert fresh(known).kept["skipped"] == left
    clock.on(hours=1, minutes=1)
    assert run(known, clock) == 1
    assert "7" in str(server.of(ONE)[-1]["Subject"])
    assert "skipped" not in fresh(known).kept


def test_over_tls_from_the_first_octet(tree, authority: Authority) -> None:
    server = Server(authority, "smtps")
    try:
        known = post(tree["root"], server, authority)
        alarm(tree, "máy-01")
        assert run(known, Clock(timezone.now())) == 1
    finally:
        server.controller.stop()


def test_a_server_without_starttls_gets_no_password(tree, authority: Authority) -> None:
    server = Server(authority, "smtp")
    try:
        server.url = server.url.replace("smtp:", "starttls:")
        known = post(tree["root"], server, authority)
        alarm(tree, "máy-01")
        assert run(known, Clock(timezone.now())) == 0
        assert "STARTTLS" in fresh(known).error
        assert not server.logged_on
        assert not server.got
    finally:
        server.controller.stop()


@pytest.mark.parametrize(("changes", "words"), [({"ca": ""}, "certificate"), ({"secret": "sai"}, "log-on refused: 535")])
def test_what_waiting_does_not_mend_is_told_at_once(
    tree, server: Server, authority: Authority, changes: dict[str, str], words: str
) -> None:
    known = post(tree["root"], server, authority, **changes)
    alarm(tree, "máy-01")
    run(known, Clock(timezone.now()))
    assert words in fresh(known).error
    assert words in Entry.objects.get(action="outlet.failing").detail["code"]
    assert not server.got


def test_a_name_with_a_line_end_is_no_header(tree, server: Server, authority: Authority) -> None:
    known = post(tree["root"], server, authority)
    alarm(tree, "máy\r\nBcc: ke-gian@example.com\r\n\r\nxin chào")
    assert run(known, Clock(timezone.now())) == 1
    made = server.of(ONE)[0]
    assert made["Bcc"] is None
    assert "Bcc: ke-gian@example.com" in str(made["Subject"])
    assert {to for to, _made in server.got} == {ONE, TWO}


@given(st.text(st.characters(), max_size=60))
def test_a_subject_is_one_line_of_what_prints(words: str) -> None:
    assert mail.in_header(words).isprintable()
    assert all(char.isprintable() or char == "\n" for char in mail.clean(words))


def test_times_of_mails_are_not_kept_for_ever() -> None:
    now = timezone.now()
    times = [(now - timedelta(minutes=minutes)).isoformat() for minutes in (200, 61, 59, 1)]
    assert mail.room(times, 3, now) == (times[2:], None)
    assert mail.room(times, 2, now)[1] == now + timedelta(minutes=1)
