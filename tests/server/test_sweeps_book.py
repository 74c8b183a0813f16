"""Looking up is the same as comparing each with each, and does not do it. And what a list may not hold."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.feeds.parsers import Malformed, Source, indicators
from server.sweeps import book as books
from server.sweeps.book import Book, Entry

LABEL = st.sampled_from(["a", "b", "evil", "c2", "vn", "gov"])
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
V4 = st.integers(0, 2**32 - 1).map(ip_address).map(str)
V6 = st.integers(0, 2**128 - 1).map(lambda number: str(ip_address(number if number >= 2**32 else number + 2**32)))


@st.composite
def networks(draw: Any) -> str:
    """Few first bits, so that some hold what is looked up."""
    if draw(st.booleans()):
        return str(ip_network((draw(st.integers(0, 15)) << 28, draw(st.integers(1, 32))), strict=False))
    return str(ip_network((draw(st.integers(1, 15)) << 124, draw(st.integers(1, 128))), strict=False))


def book(*entries: tuple[str, str]) -> Book:
    found = Book()
    for kind, value in entries:
        found.add(Entry(1, kind, value))
    return found


@given(st.lists(networks(), max_size=8), st.one_of(V4, V6, st.integers(0, 15).map(lambda top: str(ip_address(top << 28)))))
def test_an_address_is_found_in_exactly_the_networks_that_hold_it(held: list[str], address: str) -> None:
    found = {one.entry.value for one in book(*(("ip", one) for one in held)).addresses(address)}
    there = ip_address(address)
    assert found == {one for one in held if there.version == ip_network(one).version and there in ip_network(one)}


@given(st.lists(NAME, max_size=8), NAME)
def test_a_name_is_found_under_exactly_the_domains_above_it(held: list[str], name: str) -> None:
    found = {one.entry.value for one in book(*(("domain", one) for one in held)).names(name)}
    assert found == {one for one in held if name == one or name.endswith(f".{one}")}


@given(st.lists(NAME, max_size=8), NAME)
def test_processes_are_found_by_their_whole_name(held: list[str], name: str) -> None:
    found = {(one.entry.value, one.exact) for one in book(*(("process", one) for one in held)).processes(name.upper())}
    whole = {(one, True) for one in held if one == name}
    assert found == whole | {(one, False) for one in held if len(one) > 15 and one[:15] == name}


def test_an_address_of_ipv4_in_ipv6_is_that_address_and_text_is_none() -> None:
    held = book(("ip", "203.0.113.0/24"))
    assert [one.entry.value for one in held.addresses("::ffff:203.0.113.9")] == ["203.0.113.0/24"]
    assert [one.entry.value for one in held.addresses("203.0.113.9%eth0")] == ["203.0.113.0/24"]
    assert not list(held.addresses("evil.example"))


def test_a_look_up_asks_once_for_each_length_of_prefix_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    held = book(
        *(("ip", str(ip_address(number << 8 | 1))) for number in range(1 << 16, (1 << 16) + 10_000)), ("ip", "10.0.0.0/8")
    )
    asked: list[int] = []

    class Counted(dict[int, list[Any]]):
        def get(self, key: int, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    held._networks[4] = {length: Counted(rows) for length, rows in held._networks[4].items()}
    assert [one.entry.value for one in held.addresses("10.9.9.9")] == ["10.0.0.0/8"]
    assert len(asked) == 2


def test_another_program_looks_for_everything_again(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = books.stamp()
    monkeypatch.setattr(books, "PROGRAM", books.PROGRAM + 1)
    assert books.stamp() != before


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def parsed(tmp_path: Path, text: str, name: str = "list.txt") -> list[tuple[str, str]]:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    rows = indicators.read(Source(path, name, {"number": "1", "dated": "2026-11-01"}))
    return [(row.kind, row.value) for row in list(rows)[1:]]  # type: ignore[union-attr]


def test_what_somebody_made_harmless_is_looked_for_as_it_was(tmp_path: Path) -> None:
    text = "hxxp://Evil[.]example/a\nEVIL(.)example.\nhxxps[:]//b[dot]example/\n203.0.113[.]7\n198.51.100.9/24\n10.1.2.3\n"
    assert parsed(tmp_path, text) == [
        ("url", "http://evil.example/a"), ("domain", "evil.example"), ("url", "https://b.example/"), ("ip", "203.0.113.7"),
        ("ip", "198.51.100.0/24"), ("ip", "10.1.2.3"),
    ]  # fmt: skip


def test_names_of_other_scripts_are_taken_as_they_travel(tmp_path: Path) -> None:
    assert parsed(tmp_path, "Bücher.example\nthuế-việt.vn\n") == [
        ("domain", "xn--bcher-kva.example"), ("domain", "thuế-việt.vn".encode("idna").decode()),
    ]  # fmt: skip
    assert parsed(tmp_path, "Tiến trình\ntệp độc.exe\n", "list.csv") == [("process", "tệp độc.exe")]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("127.0.0.1", "loopback"),
        ("127[.]0[.]0[.]0/9", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "any"),
        ("::", "any"),
        ("255.255.255.255", "broadcast"),
        ("128.0.0.0/1", "broadcast"),
        ("0.0.0.0/0", "every address"),
        ("::/0", "every address"),
    ],
)
def test_addresses_that_are_on_every_machine_refuse_the_list_by_name(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(Malformed, match=rf"line 2: .*{named}"):
        parsed(tmp_path, f"203.0.113.7\n{text}\n")
