"""Rights in SDDL: who may change files is told by SID, and what cannot be placed is never taken for "nobody"."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import Unparsable
from collectors.windows.rights import ALL_ACCOUNTS, ANONYMOUS, EVERYONE, may, rights

GROUP = "S-1-5-21-1004336348-1177238915-682003330-1105"


@pytest.mark.parametrize(
    ("sddl", "read", "write"),
    [
        ("D:(A;;FA;;;WD)", True, True),
        ("O:BAG:DUD:PAI(A;OICI;0x1200a9;;;BU)", True, False),
        ("D:(A;;0x1301bf;;;AU)S:(AU;FA;CCDC;;;WD)", True, True),
        ("D:AI(A;OICIID;FRFX;;;S-1-5-32-545)", True, False),
        ("D:(A;;GW;;;WD)", False, True),
        (f"D:(A;;FA;;;{GROUP})(A;;FA;;;BA)", False, False),
        ("D:(A;OICIIO;GA;;;WD)(A;;FA;;;BA)", False, False),  # for what is made within, not for the folder
        ("D:(D;;FW;;;WD)(A;;FA;;;WD)", True, False),
        ("D:(A;;FA;;;WD)(D;;FA;;;WD)", True, True),  # out of order: what stands first decides
        ("D:(D;;0x2;;;BU)(A;;FA;;;BU)", True, False),
        ("D:(D;;FA;;;AN)(A;;FA;;;AU)", True, True),
        ("D:", False, False),
        ("D:NO_ACCESS_CONTROL", True, True),
    ],
)
def test_what_everybody_with_an_account_may_do(sddl: str, read: bool, write: bool) -> None:
    entries = rights(sddl)
    assert may(entries, ALL_ACCOUNTS, write=False) is read
    assert may(entries, ALL_ACCOUNTS, write=True) is write


def test_everyone_is_not_whoever_comes_without_a_name() -> None:
    entries = rights("D:(A;;FR;;;WD)")
    assert may(entries, frozenset({EVERYONE}), write=False)
    assert not may(entries, frozenset({ANONYMOUS}), write=False)


@pytest.mark.parametrize(
    "sddl",
    [
        "",
        "O:BAG:DU",
        'D:(XA;;FX;;;S-1-1-0;(@User.Title=="PM"))',
        "D:(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)",
        "D:(A;;ZZ;;;WD)",
        "D:(A;;FAX;;;WD)",
        "D:(A;;FA)",
        "D:(A;;FA;;;WD",
    ],
)
def test_what_cannot_be_placed_is_refused(sddl: str) -> None:
    with pytest.raises(Unparsable):
        rights(sddl)


@given(st.text(alphabet="D:S()A;DOICFAWXRGU0x19-", max_size=60))
def test_garbage_is_refused_in_words(sddl: str) -> None:
    with contextlib.suppress(Unparsable):
        rights(sddl)
