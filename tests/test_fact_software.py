"""What recorded cases of `software` cannot say."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.base import Fact
from collectors.facts.software import Recognised, debian, other, redhat
from collectors.facts.updates import apt
from collectors.linux.known_software import CATEGORIES, CLUES, clues_of, products, recognised
from collectors.transports.base import Shell
from collectors.transports.local import RootShell
from collectors.transports.witness import Witness
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("software")


def ask(transcript: dict[str, Any], shell: Shell) -> Fact:
    """The fact as the catalog would ask for it."""
    if "pacman" in str(transcript.get("names")):
        return other(shell)
    return redhat(shell) if transcript["run"] else debian(shell)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), text=NOISE)
def test_a_garbled_answer_costs_at_most_the_fact(transcript: dict[str, Any], which: int, text: str) -> None:
    with contextlib.suppress(CollectError):
        ask(transcript, changed(transcript, which, lambda _: text))


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), share=st.floats(0, 1))
def test_a_product_cut_out_of_the_list_is_never_said_to_be_absent(transcript: dict[str, Any], which: int, share: float) -> None:
    """Half a list of packages must not read as "no remote control": either it is still found, or others are not ruled out.

    An rpm answer cut between two lines is the one thing nobody can notice: rpm counts nothing.
    """
    whole = ask(transcript, changed(transcript, 0, lambda text: text))
    cut = ask(transcript, changed(transcript, which, lambda text: text[: int(len(text) * share)].rstrip("\n")))
    for row in getattr(whole, "recognised", ()):
        still = [one for one in getattr(cut, "recognised", ()) if one.category == row.category]
        assert any(one.id in (row.id, "others") for one in still), row


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), text=NOISE)
def test_what_is_none_says_why(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = ask(transcript, changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    for place in ("packages", "modules", "others"):
        assert getattr(fact, place) is not None or place in named, place
    for place in ("packages", "recognised"):
        for row in getattr(fact, place) or ():
            for column in type(row).model_fields:
                assert getattr(row, column) is not None or f"{place}[].{column}" in named, (place, column)


def test_every_product_can_be_found_and_has_an_id_of_its_own() -> None:
    ids = [product.id for product in products()]
    assert len(ids) == len(set(ids))
    assert "others" not in ids
    for product in products():
        assert any(product.names(clue) for clue in CLUES), product.id
    assert {product.category for product in products()} == set(CATEGORIES)


@pytest.mark.parametrize("clue", CLUES)
def test_each_product_is_found_by_each_of_its_names(clue: Any) -> None:
    for product in products():
        for name in product.names(clue):
            plain = name.replace("[0-9]", "7").replace("*", "x")
            assert product.id in [match.product.id for match in recognised({clue: {plain}})], (product.id, name)


@pytest.mark.parametrize(
    "name", ["gcc-12-base", "libgcc-s1", "golang-github-spf13-cobra-dev", "postgresql-client-15", "makedev", "torsocks"]
)
def test_packages_that_only_sound_like_a_product(name: str) -> None:
    assert list(recognised({"package": {name}})) == []


def test_a_category_without_process_names_is_not_blinded_by_hidden_processes() -> None:
    assert "process" not in clues_of("compiler")
    assert "process" in clues_of("remote_control")


def test_the_categories_of_the_fact_are_those_of_the_data() -> None:
    assert set(get_args(Recognised.model_fields["category"].annotation)) == set(CATEGORIES)


class Counting(RootShell):
    """An unpacked system that counts how often its package lists are gone through."""

    passes = 0

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        self.passes += 1
        return super().stanzas(pattern, wanted, fields)


def test_updates_and_software_go_through_the_package_lists_once() -> None:
    """50 MB of lists: reading them twice would double the time of a scan."""
    shell = Counting(str(Path(__file__).parent / "roots" / "root-bookworm"))
    witness = Witness(shell)
    apt(witness)
    fact = debian(witness)
    assert shell.passes == 1
    assert {package.origin for package in fact.packages or ()} == {"Debian"}
