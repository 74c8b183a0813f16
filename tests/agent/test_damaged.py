"""Files of agents and relays whose bytes turned: refused with their name or forgotten, and never what turns a machine away for ever."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
from pathlib import Path

import pytest

from agent import files, status
from agent.config import Config
from agent.errors import Refusal
from agent.relay.settings import Identity
from agent.relay.store import Store
from agent.state import State
from agent.terminal import Ink
from baselines.loader import digest_of
from tests.agent.test_relay import AGENT, CENTRE, Host, store, take  # noqa: F401  (a fixture)

KEY = bytes(range(32))


def known(folder: Path) -> State:
    """As `rasoat agent enrol` leaves it."""

    state = State(folder / "state")
    state.prepare()
    files.write(state.key_file, KEY)
    found = {"agent_id": AGENT, "url": "https://collector.example", "key_sha256": hashlib.sha256(KEY).hexdigest()}
    state.keep_sound("identity.json", found)
    return state


def test_every_bit_of_who_it_is(tmp_path: Path) -> None:
    """Whichever turns, the file is named, or what counts in it is as it was: white space, and what nobody asks for."""
    state = known(tmp_path)
    path = state.folder / "identity.json"
    before, sound = path.read_bytes(), state.identity()
    for place in range(len(before)):
        body = bytearray(before)
        body[place] ^= 1 << place % 8
        path.write_bytes(body)
        with contextlib.suppress(Refusal):
            found = state.identity()
            assert all(found[name] == sound[name] for name in ("agent_id", "url")), bytes(body)
            continue
        with pytest.raises(Refusal, match=re.escape(str(path))):
            state.identity()


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\x00" * 200, b'{"agent_id": 7, "url": "x"}'])
def test_a_file_that_says_nobody_is_damaged_and_none_is_not_enrolled(tmp_path: Path, body: bytes) -> None:
    state = known(tmp_path)
    (state.folder / "identity.json").write_bytes(body)
    with pytest.raises(Refusal, match=r"identity\.json is damaged"):
        state.identity()
    (state.folder / "identity.json").unlink()
    with pytest.raises(Refusal, match="not enrolled yet"):
        state.identity()


def test_status_calls_a_damaged_identity_damaged_and_not_unenrolled(tmp_path: Path) -> None:
    state, config = known(tmp_path), Config(state_dir=tmp_path / "state")
    assert status.gather(config)["enrolled"] is True
    (state.folder / "identity.json").write_bytes(b"{")
    found = status.gather(config)
    assert (found["enrolled"], found["agent"]) == (None, None), "nobody can say"
    said = "\n".join(status.lines(found, 400, Ink(io.StringIO())))
    assert "identity.json is damaged" in said
    assert "no. Run" not in said
    (state.folder / "identity.json").unlink()
    assert (status.gather(config)["enrolled"], status.gather(config)["damaged"]) == (False, None)


def test_who_was_enrolled_before_there_were_sums_is_known(tmp_path: Path) -> None:
    state = known(tmp_path)
    state.keep("identity.json", {"agent_id": AGENT, "url": "https://collector.example"})
    assert state.identity()["agent_id"] == AGENT
    assert state.key() == KEY


@pytest.mark.parametrize("body", [b"", KEY[:31], bytes(32), KEY[:5] + b"\x04" + KEY[6:]])
def test_a_damaged_key_signs_nothing(tmp_path: Path, body: bytes) -> None:
    """What it signed, the collector would refuse for good."""
    state = known(tmp_path)
    state.key_file.write_bytes(body)
    with pytest.raises(Refusal, match=r"key is damaged"):
        state.key()


@pytest.mark.parametrize("harm", ["cut", "turned", "centre"])
def test_a_relay_whose_identity_is_damaged_names_the_file(tmp_path: Path, harm: str) -> None:
    state = State(tmp_path)
    files.write(state.key_file, KEY)
    found = {"relay_id": AGENT, "name": "x", "unit": "y", "url": "https://collector.example", "centre": CENTRE.document()}
    state.keep_sound("relay.json", found)
    assert Identity(state).name == "x"
    path = tmp_path / "relay.json"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:50])
    elif harm == "turned":
        path.write_bytes(path.read_bytes().replace(b"collector.example", b"collectos.example"))
    else:
        state.keep("relay.json", found | {"centre": {"sign": "", "seal": 3}})
    with pytest.raises(Refusal, match=r"relay\.json is damaged"):
        Identity(state)


def test_what_the_centre_said_is_forgotten_where_a_bit_of_it_turned(store: Store) -> None:  # noqa: F811
    """Believed, its agent would be called a forger, or be given a receipt that it must distrust, for as long as the file is there."""
    host = Host()
    about = take(store, host.envelope(), stranger=True)
    store.receipt(*host.answer(about))
    path = store.agents / f"{AGENT}.json"
    before = path.read_bytes()
    for place in range(0, len(before), 3):
        body = bytearray(before)
        body[place] ^= 1 << place % 8
        path.write_bytes(body)
        again = Store(store.state.folder, 1 << 20, 0)
        assert again.key_of(AGENT) in (None, again.agent(AGENT) and store.key_of(AGENT))
        assert again.stored(AGENT, about) in (None, store.stored(AGENT, about))
    path.write_bytes(b"{}")
    again = Store(store.state.folder, 1 << 20, 0)
    again.receipt(*host.answer(about))
    assert Store(store.state.folder, 1 << 20, 0).key_of(AGENT), "the centre says it again"


def test_what_the_centre_no_longer_has_is_carried_again(store: Store) -> None:  # noqa: F811
    """It was restored from a backup and says so of one difference: no earlier receipt stands in the way of what the agent sends again."""
    host = Host()
    before, later = take(store, host.envelope(1000.0), stranger=True), take(store, host.envelope(1001.0), stranger=True)
    store.receipt(*host.answer(before))
    assert store.stored(AGENT, before)
    store.receipt(*host.answer(later, status=412, error="base-unknown"))
    assert store.stored(AGENT, before) is None
    assert list(store.receipts(AGENT, [before, later])) == [later], "what it said of the difference is told"


def test_a_pack_that_was_damaged_at_the_relay_is_fetched_anew(store: Store) -> None:  # noqa: F811
    texts = {"standard.yaml": "id: mini\n"}
    digest = digest_of(texts)
    store.keep_pack(digest, {"files": texts})
    assert store.pack(digest) == {"files": texts}
    path = store.packs / f"{digest}.json"
    path.write_bytes(path.read_bytes().replace(b"mini", b"maxi"))
    assert store.pack(digest) is None


def test_a_full_disk_keeps_no_relay_from_passing_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """The centre's word is in memory, and the snapshot makes room by leaving."""
    host = Host()
    about = take(store, host.envelope(), stranger=True)

    def full(path: Path, data: bytes, mode: int = 0o600) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(files, "write", full)
    store.receipt(*host.answer(about))
    entry = store.next(bulk=True)
    assert entry is not None
    store.done(entry)
    assert store.spool.waiting() == []
    assert store.stored(AGENT, about), "its agent hears it here"
    assert not (store.agents / f"{AGENT}.json").exists()
    monkeypatch.setattr(files, "write", lambda *_given, **_named: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
    with pytest.raises(OSError, match="broken"):
        store.receipt(*host.answer(about))
