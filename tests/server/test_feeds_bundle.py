"""Bundles: what was signed comes in; whatever was done to it on the way is refused by name, and the old data stay in force."""

from __future__ import annotations

import json
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

from server.background.models import Job
from server.background.run import perform
from server.config import Data
from server.feeds import incoming
from server.feeds.bundle import build, check, keys
from server.feeds.models import Affected, Exploited, Feed, Trusted, in_force
from server.feeds.store import Refused
from server.journal.models import Entry
from tests.server.feeding import PASSPHRASE, SAMPLES, Maker, ask, files_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path: Path) -> None:
    settings.DATA = Data(tmp_path / "data")
    settings.DATA.root.mkdir()


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    made = Maker(tmp_path / "maker")
    made.feed("debian", "debian", "debian.json")
    made.feed("kev", "kev", "kev.json")
    return made


def taken(path: Path, pinned: str = "") -> Job:
    job = incoming.bring(path, pinned, "console")
    assert job.delivery is not None
    perform(job.delivery, job.pk)
    job.refresh_from_db()
    return job


def refused(path: Path, pinned: str = "") -> str:
    before = (in_force(), Affected.objects.count(), [*Trusted.objects.values_list("role", "version").order_by("role")])
    with pytest.raises(Refused) as caught:
        incoming.bring(path, pinned, "console")
    assert before == (in_force(), Affected.objects.count(), [*Trusted.objects.values_list("role", "version").order_by("role")])
    assert not [*incoming.folder().iterdir()], "nothing of a refused bundle stays"
    assert Entry.objects.filter(action="feed.refused", detail__reason=caught.value.reason).exists()
    return caught.value.reason


def stick(maker: Maker, tmp_path: Path, name: str = "stick", **more: Any) -> Path:
    maker.build(tmp_path / name, **more)
    return tmp_path / name


@pytest.mark.on_both
@pytest.mark.parametrize("out", ["stick", "stick.zip"])
def test_a_bundle_comes_in_and_its_data_are_in_force(maker: Maker, tmp_path: Path, out: str) -> None:
    version = maker.build(tmp_path / out)
    job = taken(tmp_path / out, maker.fingerprint)
    assert job.state == Job.DONE, job.error
    assert job.outcome == {"debian": "17", "kev": "2"}
    assert set(Feed.objects.values_list("name", flat=True)) == {"debian", "kev"}
    debian = Feed.objects.select_related("generation").get(name="debian")
    assert debian.generation is not None
    assert (debian.generation.bundle, debian.generation.records, debian.generation.left_out) == (version, 3, 1)
    fixed = Affected.objects.get(generation__in=in_force("debian"), ecosystem="debian:12", package="policykit-1")
    assert fixed.fixed_version == "0.105-31.1"
    assert Exploited.objects.filter(generation__in=in_force(), identifier="CVE-2024-1086", ransomware=True).exists()
    assert not [*incoming.folder().iterdir()], "the copies are gone when their job is done"
    # the same stick once more changes nothing
    again = taken(tmp_path / out)
    assert again.outcome == {"debian": "=", "kev": "="}
    assert Affected.objects.count() == 9


def test_nothing_is_believed_without_a_fingerprint_or_with_another_one(maker: Maker, tmp_path: Path, settings) -> None:
    path = stick(maker, tmp_path)
    assert refused(path) == "not-pinned"
    assert refused(path, "0" * 64) == "other-root"
    settings.CONFIG = settings.CONFIG.model_copy(update={"feed_root": keys.spoken(maker.fingerprint).upper()})
    assert taken(path).state == Job.DONE
    # once believed, another maker is not, whatever is typed
    other = Maker(tmp_path / "other")
    other.feed("kev", "kev", "kev.json")
    assert refused(stick(other, tmp_path, "theirs"), other.fingerprint) == "wrongly-signed"


def metadata_of(path: Path, role: str) -> Path:
    return next(one for one in (path / "metadata").iterdir() if one.name.endswith(f"{role}.json"))


def target_of(path: Path, name: str) -> Path:
    return next(one for one in files_of(path / "targets") if one.name.endswith(name))


def change_file(path: Path) -> None:
    one = target_of(path, "debian.json")
    raw = bytearray(one.read_bytes())
    raw[100] ^= 1
    one.write_bytes(raw)


def cut_file(path: Path) -> None:
    one = target_of(path, "debian.json")
    one.write_bytes(one.read_bytes()[:-20])


def blow_up_file(path: Path) -> None:
    one = target_of(path, "debian.json")
    one.write_bytes(one.read_bytes() * 10)


def remove_file(path: Path) -> None:
    target_of(path, "kev.json").unlink()


def link_file(path: Path) -> None:
    one = target_of(path, "kev.json")
    aside = path / "aside"
    one.rename(aside)
    one.symlink_to(aside)


def change_list(path: Path) -> None:
    one = metadata_of(path, "targets")
    one.write_bytes(one.read_bytes().replace(b"2026", b"2027"))


def blow_up_list(path: Path) -> None:
    one = metadata_of(path, "targets")
    one.write_bytes(one.read_bytes() + b" " * 6_000_000)


def strip_signature(path: Path) -> None:
    one = metadata_of(path, "timestamp")
    told = json.loads(one.read_text())
    told["signatures"] = []
    one.write_text(json.dumps(told))


def sign_otherwise(path: Path) -> None:
    """With a key of the attacker's own, as if it were ours."""
    one = metadata_of(path, "timestamp")
    document = Metadata[Any].from_bytes(one.read_bytes())
    document.sign(CryptoSigner.generate_ed25519())
    one.write_bytes(document.to_bytes())


def forge_content(path: Path) -> None:
    """Signatures as they were, under other words: valid for longer."""
    one = metadata_of(path, "timestamp")
    told = json.loads(one.read_text())
    told["signed"]["expires"] = "2099-01-01T00:00:00Z"
    one.write_text(json.dumps(told))


def no_timestamp(path: Path) -> None:
    metadata_of(path, "timestamp").unlink()


def garbage(path: Path) -> None:
    metadata_of(path, "timestamp").write_bytes(b"\x00\xff{")


ATTACKS: list[tuple[Callable[[Path], None], str]] = [
    (change_file, "tampered"),
    (cut_file, "truncated"),
    (blow_up_file, "too-large"),
    (remove_file, "missing"),
    (link_file, "missing"),
    (change_list, "tampered"),
    (blow_up_list, "too-large"),
    (strip_signature, "unsigned"),
    (sign_otherwise, "wrongly-signed"),
    (forge_content, "wrongly-signed"),
    (no_timestamp, "missing"),
    (garbage, "malformed"),
]


@pytest.mark.parametrize(("attack", "reason"), ATTACKS, ids=[attack.__name__ for attack, _reason in ATTACKS])
@pytest.mark.parametrize("known", [True, False], ids=["believed-before", "first"])
def test_what_was_done_on_the_way_is_told_by_name(
    maker: Maker, tmp_path: Path, attack: Callable[[Path], None], reason: str, known: bool
) -> None:
    path = stick(maker, tmp_path)
    if known:
        assert taken(path, maker.fingerprint).state == Job.DONE
        shutil.copyfile(maker.files / "kev.json", maker.files / "other.json")
        maker.feeds[1]["file"] = "other-kev.json"
        (maker.files / "other.json").rename(maker.files / "other-kev.json")
        path = stick(maker, tmp_path)
    attack(path)
    assert refused(path, maker.fingerprint) == reason


def test_an_older_bundle_is_refused(maker: Maker, tmp_path: Path) -> None:
    old = stick(maker, tmp_path)
    kept = tmp_path / "kept"
    shutil.copytree(old, kept)
    assert taken(old, maker.fingerprint).state == Job.DONE
    newer = stick(maker, tmp_path)
    assert taken(newer).state == Job.DONE
    assert refused(kept) == "rolled-back"
    assert Feed.objects.get(name="debian").generation is not None


def test_a_bundle_that_lay_about_too_long_is_refused(maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stick(maker, tmp_path)
    assert taken(path, maker.fingerprint).state == Job.DONE

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC) - timedelta(days=40)

    # made forty days ago, for thirty, with a higher version than what is believed
    monkeypatch.setattr(build, "datetime", Earlier)
    assert refused(stick(maker, tmp_path)) == "expired"


def test_parts_of_two_bundles_are_refused(maker: Maker, tmp_path: Path) -> None:
    first = stick(maker, tmp_path, "first")
    maker.feed("osv", "osv", "osv.jsonl")
    second = stick(maker, tmp_path, "second")
    for role in ("targets", "snapshot"):
        mixed = tmp_path / f"mixed-{role}"
        shutil.copytree(second, mixed)
        # rightly signed, but of the bundle before
        metadata_of(mixed, role).write_bytes(metadata_of(first, role).read_bytes())
        assert refused(mixed, maker.fingerprint) == "mixed"
        shutil.rmtree(mixed)
        shutil.copytree(first, mixed)
        metadata_of(mixed, role).write_bytes(metadata_of(second, role).read_bytes())
        assert refused(mixed, maker.fingerprint) == "mixed"
    assert taken(second, maker.fingerprint).state == Job.DONE


def test_a_zip_cut_off_is_refused(maker: Maker, tmp_path: Path) -> None:
    maker.build(tmp_path / "whole.zip")
    raw = (tmp_path / "whole.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(raw[: len(raw) // 2])
    assert refused(tmp_path / "cut.zip", maker.fingerprint) == "no-bundle"
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    assert refused(tmp_path / "empty.zip", maker.fingerprint) == "no-bundle"
    assert refused(tmp_path / "nowhere", maker.fingerprint) == "no-bundle"
    # a byte inside a file of the zip
    at = raw.index(b"policykit-1")
    (tmp_path / "bit.zip").write_bytes(raw[:at] + b"P" + raw[at + 1 :])
    assert refused(tmp_path / "bit.zip", maker.fingerprint) in ("tampered", "truncated")


def test_keys_are_encrypted_and_for_their_owner_alone(maker: Maker, tmp_path: Path) -> None:
    for path in maker.keys.glob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(keys.KeyProblem, match="passphrase is wrong") as caught:
        keys.load(maker.keys / "bundle.key", lambda name: "another passphrase")
    assert "another passphrase" not in str(caught.value)
    (maker.keys / "bundle.key").chmod(0o640)
    with pytest.raises(keys.KeyProblem, match="others may read it"):
        keys.load(maker.keys / "bundle.key", ask)
    with pytest.raises(keys.KeyProblem, match="not empty"):
        keys.init(maker.keys, 1, 1, ask)
    with pytest.raises(keys.KeyProblem, match="at least 12"):
        keys.init(tmp_path / "weak", 1, 1, lambda name: "short")
    assert PASSPHRASE not in "".join(path.read_text() for path in files_of(maker.keys))


def test_a_stolen_bundle_key_is_taken_out_by_the_root_keys(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "maker", roots=3, threshold=2)
    maker.feed("kev", "kev", "kev.json")
    path = stick(maker, tmp_path)
    assert taken(path, maker.fingerprint).state == Job.DONE
    with pytest.raises(keys.KeyProblem, match="2 root keys must sign"):
        keys.renew(maker.keys, [maker.keys / "root-1.key"], ask, new_bundle_key=True)
    (maker.keys / "bundle-2.key").unlink()
    keys.renew(maker.keys, [maker.keys / "root-1.key", maker.keys / "root-3.key"], ask, new_bundle_key=True)
    stolen = maker.keys / "bundle.key"
    with pytest.raises(keys.KeyProblem, match="is not the bundle key"):
        maker.build(path, key=stolen)
    # the centre learns it with the next bundle, and the fingerprint of the first root still leads there
    assert taken(stick(maker, tmp_path)).state == Job.DONE
    assert Trusted.objects.get(role="root").version == 2
    document = Metadata[Any].from_bytes(metadata_of(path, "timestamp").read_bytes())
    document.signed.version += 1
    document.sign(keys.load(stolen, ask))
    metadata_of(path, "timestamp").write_bytes(document.to_bytes())
    assert refused(path) == "wrongly-signed"


def test_a_file_that_is_not_of_its_kind_is_not_signed(maker: Maker, tmp_path: Path) -> None:
    (maker.files / "debian.json").write_text('{"linux": {"CVE-2020-0001": {"releases": {"bookworm": {"status": "resolved"}}}}}')
    with pytest.raises(
        build.BuildError, match=r"debian: debian\.json: record 1 \(linux\), CVE-2020-0001, bookworm: .* no fixed_version"
    ):
        maker.build(tmp_path / "stick")
    assert not (tmp_path / "stick").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('kind = "no-such"', "no kind"),
        ('file = "../../etc/passwd"', "file"),
        ('address = "http://example.vn/x"', "address"),
        ('adress = "https://example.vn/x"', "adress"),
    ],
)
def test_feeds_toml_is_held_to_its_form(tmp_path: Path, line: str, said: str) -> None:
    known = {"name": '"a"', "kind": '"kev"', "file": '"kev.json"'}
    key, _sign, value = line.partition(" = ")
    (tmp_path / "feeds.toml").write_text("[[feed]]\n" + "\n".join(f"{k} = {v}" for k, v in (known | {key: value}).items()))
    with pytest.raises(build.BuildError, match=said):
        build.read_settings(tmp_path)


def test_the_checker_reaches_nothing_outside_the_bundle(maker: Maker, tmp_path: Path) -> None:
    path = stick(maker, tmp_path)
    (tmp_path / "secret").write_text("x")
    (path / "metadata" / "link").symlink_to(tmp_path)
    tree = check.Tree(path)
    for name in ("metadata/link/secret", "metadata"):
        with pytest.raises(FileNotFoundError):
            tree.open(name)


class Publisher(BaseHTTPRequestHandler):
    """On this machine, in place of a publisher's site."""

    def do_GET(self) -> None:
        raw = (SAMPLES / "debian.json").read_bytes()
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/x")
            self.end_headers()
            return
        self.send_response(200 if self.path in ("/debian.json", "/cut", "/undated") else 404)
        self.send_header("Content-Length", str(len(raw) + 10 * (self.path == "/cut")))
        if self.path != "/undated":
            self.send_header("Last-Modified", "Fri, 27 Nov 2026 08:00:00 GMT")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def publisher() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_files_are_fetched_and_dated_by_who_publishes_them(tmp_path: Path, publisher: str) -> None:
    maker = Maker(tmp_path / "maker")
    maker.feeds = [{"name": "debian", "kind": "debian", "file": "debian.json"}]
    (maker.files / "debian.json").write_text("{}")
    for path, said in (("/cut", "cut off after"), ("/nowhere", "Not Found"), ("/away", "leads away from HTTPS")):
        maker.feeds[0]["address"] = publisher + path
        with pytest.raises(build.BuildError, match=said):
            maker.build(tmp_path / "stick")
        assert (maker.files / "debian.json").read_text() == "{}", "what was there before stays"
        assert [one.name for one in maker.files.iterdir() if one.name.endswith(".part")] == []
    maker.feeds[0]["address"] = f"{publisher}/debian.json"
    maker.build(tmp_path / "stick")
    assert taken(tmp_path / "stick", maker.fingerprint).state == Job.DONE
    assert str(Feed.objects.get().generation.data_date) == "2026-11-27"


def test_a_site_that_does_not_say_how_old_a_file_is_makes_it_no_younger(tmp_path: Path, publisher: str) -> None:
    maker = Maker(tmp_path / "maker")
    maker.feeds = [{"name": "debian", "kind": "debian", "file": "debian.json", "address": f"{publisher}/undated"}]
    with pytest.raises(build.BuildError, match=r"debian: debian\.json does not say of which day"):
        maker.build(tmp_path / "stick")
    maker.feeds[0]["data_date"] = "2026-11-20"
    maker.build(tmp_path / "stick")
    assert taken(tmp_path / "stick", maker.fingerprint).state == Job.DONE
    assert str(Feed.objects.get().generation.data_date) == "2026-11-20"


def test_data_of_no_known_day_are_not_signed(maker: Maker, tmp_path: Path) -> None:
    del maker.feeds[0]["data_date"]
    with pytest.raises(build.BuildError, match=r"debian: debian\.json does not say of which day"):
        maker.build(tmp_path / "stick")
