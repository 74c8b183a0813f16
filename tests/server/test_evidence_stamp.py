"""What third parties put to a bundle: a time stamp on the seal, signatures on PDFs."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from baselines.evidence import form
from server.approvals.files import Kept
from server.evidence import making, stamping, tasks
from server.evidence.models import Bundle
from tests.server import evidence, tsa
from tests.server.evidence import checked, code, made, members, resealed, wrong, zipped
from tests.server.test_evidence_verify import commands, shell

pytest.importorskip("rfc3161_client")
pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")


@pytest.fixture
def land(client, tree, person, tmp_path):
    return evidence.land(client, tree, person, tmp_path)


def configured(settings, **given: str) -> None:
    settings.CONFIG = django_settings.CONFIG.model_copy(update=given)


@pytest.fixture
def stamped(land, settings, tmp_path) -> tuple[Path, Path]:
    """(bundle, certificate of the authority)"""
    root = tsa.authority(tmp_path / "tsa", "Cơ quan")
    with tsa.serving(tmp_path / "tsa") as url:
        configured(settings, timestamp_url=url)
        return made(land["north"], tmp_path / "s.zip"), root


def codes(found, outcome: str) -> list[str]:
    return [line.code for line in found.lines if line.outcome == outcome]


def test_a_stamped_seal(stamped, tmp_path) -> None:
    bundle, root = stamped
    found = checked(bundle, stamp_roots=root)
    assert (wrong(found), code(found)) == ([], 0)
    assert "stamp" in codes(found, "holds")
    unknown = checked(bundle)
    assert (code(unknown), codes(unknown, "unchecked")) == (3, ["stamp-whose"])
    stranger = tsa.authority(tmp_path / "other", "Người lạ")
    assert codes(checked(bundle, stamp_roots=stranger), "fails") == ["stamp-wrong"]


def test_the_stamp_of_another_seal(stamped, land, tmp_path) -> None:
    bundle, root = stamped
    anew = members(bundle)
    other = resealed(anew, making.sealing_keys(), lambda manifest: manifest.update(made_by="người khác"))
    path = zipped(other | {form.STAMP: anew[form.STAMP]}, tmp_path / "x.zip")
    assert codes(checked(path, stamp_roots=root), "fails") == codes(checked(path), "fails") == ["stamp-wrong"]
    broken = zipped(anew | {form.STAMP: b"\x30\x03\x02\x01\x00"}, tmp_path / "y.zip")
    assert codes(checked(broken, stamp_roots=root), "fails") == ["stamp-wrong"]


def test_a_bundle_dated_back_is_told_by_its_stamp(land, settings, tmp_path) -> None:
    """Whoever keeps the collector sets the day, and the authority does not know it."""
    own = making.sealing_keys()
    plain = members(made(land["north"], tmp_path / "p.zip"))
    root = tsa.authority(tmp_path / "tsa", "Cơ quan")
    for made_at, day in (("2026-01-05T08:00:00Z", "2026-01-05"), ("2099-01-05T08:00:00Z", "2099-01-05")):
        back = resealed(plain, own, lambda manifest, at=made_at, day=day: manifest.update(made_at=at, day=day))
        with tsa.serving(tmp_path / "tsa") as url:
            configured(settings, timestamp_url=url)
            stamps = dict(stamping.stamp(back[form.SIGNATURE]))
        for found in (checked(zipped(back | stamps, tmp_path / "x.zip"), stamp_roots=root), checked(tmp_path / "x.zip")):
            assert "stamp-time" in codes(found, "fails")


def test_where_nothing_reads_stamps_it_is_said(stamped, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    found = checked(stamped[0], stamp_roots=stamped[1])
    assert (code(found), codes(found, "unchecked")) == (3, ["stamp-extra"])


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs unzip")
def test_by_hand(stamped, tmp_path) -> None:
    import html
    import re

    bundle, root = stamped
    page = members(bundle)[form.README].decode()
    shutil.copyfile(bundle, tmp_path / "evidence.zip")
    assert shell(commands(page)[0], tmp_path).returncode == 0
    shutil.copyfile(root, tmp_path / "evidence" / "ca.pem")
    command = html.unescape(re.findall(r'<pre class="command needs-ca">(.*?)</pre>', page, re.S)[0])
    done = shell(command, tmp_path / "evidence")
    assert done.returncode == 0, done
    assert "Verification: OK" in done.stdout
    assert "Time stamp:" in done.stdout


def test_without_a_stamp_that_was_configured_no_bundle_is_made(land, settings, tmp_path) -> None:
    tsa.authority(tmp_path / "tsa", "Cơ quan")
    with tsa.serving(tmp_path / "tsa", answer=b"rubbish") as url:
        configured(settings, timestamp_url=url)
        held = evidence.asked(land["north"])
        tasks.finish(held, held.path)
        assert (held.state, held.problem.partition(":")[0], held.path.exists()) == (Bundle.FAILED, "stamp", False)
    configured(settings, timestamp_url=url)  # nobody listens there any more
    with pytest.raises(stamping.NoStamp):
        made(land["north"], tmp_path / "x.zip")


# PDFs ------------------------------------------------------------------------------------------------------------------


def pdf() -> bytes:
    from pyhanko.pdf_utils import generic, writer

    book = writer.PdfFileWriter()
    page = writer.PageObject(
        contents=book.add_object(generic.StreamObject(stream_data=b"q Q")), media_box=generic.ArrayObject(map(generic.NumberObject, (0, 0, 595, 842)))
    )  # fmt: skip
    book.insert_page(page)
    out = io.BytesIO()
    book.write(out)
    return out.getvalue()


def longer_than(signed: bytes) -> bytes:
    """A page put behind what was signed, as PDF allows."""
    from pyhanko.pdf_utils import generic, writer
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    book = IncrementalPdfFileWriter(io.BytesIO(signed))
    page = writer.PageObject(
        contents=book.add_object(generic.StreamObject(stream_data=b"q Q")), media_box=generic.ArrayObject(map(generic.NumberObject, (0, 0, 595, 842)))
    )  # fmt: skip
    book.insert_page(page)
    out = io.BytesIO()
    book.write(out)
    return out.getvalue()


def test_pdf_reports_are_signed_where_that_is_configured(land, settings, tmp_path) -> None:
    pytest.importorskip("pyhanko")
    tsa.authority(tmp_path / "pki", "Đơn vị")
    configured(settings, pdf_certificate=str(tmp_path / "pki/ca.crt"), pdf_key=str(tmp_path / "pki/ca.key"))
    reports = [
        [name, Kept(name, kind, raw).stored().pk] for name, kind, raw in (("a.pdf", "pdf", pdf()), ("b.txt", "text", b"x"))
    ]
    path = made(land["north"], tmp_path / "p.zip", reports=reports)
    found = checked(path)
    assert (wrong(found), code(found)) == ([], 0)
    assert "pdf" in codes(found, "note")
    manifest = found.manifest
    assert manifest is not None
    assert [one.signed for one in manifest.reports] == [True, False]
    inside = members(path)
    changed = inside["reports/1-a.pdf"].replace(b"/MediaBox", b"/MediaBax", 1)
    assert changed != inside["reports/1-a.pdf"]
    anew = zipped(resealed(inside | {"reports/1-a.pdf": changed}, making.sealing_keys()), tmp_path / "q.zip")
    assert codes(checked(anew), "fails") == ["pdf-wrong"]
    longer = zipped(
        resealed(inside | {"reports/1-a.pdf": longer_than(inside["reports/1-a.pdf"])}, making.sealing_keys()), tmp_path / "l.zip"
    )
    assert codes(checked(longer), "fails") == ["pdf-wrong"], "the signature is whole, and something stands behind it"
    with pytest.raises(stamping.NoSignature):
        made(land["north"], tmp_path / "r.zip", reports=[["c.pdf", Kept("c.pdf", "pdf", b"%PDF-1.7 broken").stored().pk]])
