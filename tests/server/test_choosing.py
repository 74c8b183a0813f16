"""Choices written as text are those of Django's own widget."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from server.units.choosing import Written

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
pairs = st.lists(st.tuples(words, words), max_size=4, unique_by=lambda pair: pair[0])


class Seen(HTMLParser):
    """Tags with their attributes, and the words inside options."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, sorted((name, value or "") for name, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(("/", tag))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append(data.strip())


@pytest.mark.parametrize("disabled", [False, True])
@given(pairs=pairs, grouped=pairs, group=words.filter(str.strip), chosen=words, required=st.booleans())
def test_the_options_are_those_of_djangos_widget(
    disabled: bool, pairs: list[tuple[str, str]], grouped: list[tuple[str, str]], group: str, chosen: str, required: bool
) -> None:
    choices = [*pairs, (group, grouped)]

    def html(widget: type[forms.Select]) -> list[Any]:
        field = forms.ChoiceField(choices=choices, widget=widget, required=required, disabled=disabled)
        form = type("Form", (forms.Form,), {"of": field})(initial={"of": pairs[0][0] if pairs else chosen})
        return Seen(str(form["of"])).found

    assert html(Written) == html(forms.Select)


def test_a_name_with_html_is_a_name() -> None:
    field = forms.ChoiceField(choices=[('"><b>', "</option><script>x</script>")], widget=Written)
    html = str(type("Form", (forms.Form,), {"of": field})()["of"])
    assert "<b>" not in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
