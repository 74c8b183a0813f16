"""What third parties put to a bundle: the time stamp on its seal (RFC 3161), and the signatures on its PDFs (PAdES).

Both are read by libraries of the extra [evidence]; where they are not installed, the line says that it was not looked at, and
the page inside says how openssl does it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from baselines.evidence import form
from baselines.evidence.archive import Archive, Damaged
from baselines.evidence.lines import Line, fails, holds, note, one_line, unchecked

MAX_STAMP = 256 * 1024
MAX_PDF = 256 * 1024 * 1024


def check(archive: Archive, signature: bytes, roots: Path | None) -> Iterator[Line]:
    """The signature of the seal existed then. Nothing but a remark where there is no stamp."""
    if form.STAMP not in archive:
        yield note("no-stamp") if roots is None else unchecked("no-stamp")  # it may have been taken out: no list names it
        return
    try:
        raw = archive.read(form.STAMP, MAX_STAMP)
    except Damaged as error:
        yield fails("damaged", form.STAMP, why=str(error))
        return
    try:
        import rfc3161_client as tsp
    except ModuleNotFoundError:
        yield unchecked("stamp-extra", form.STAMP)
        return
    try:
        response = tsp.decode_timestamp_response(raw)
        at = response.tst_info.gen_time.isoformat()
    except Exception as error:  # whatever a stamp of somebody else does to the library
        yield fails("stamp-wrong", why=one_line(error))
        return
    if roots is not None:
        yield _by(response, signature, roots, at)
    elif response.tst_info.message_imprint.message not in _digests(signature):
        yield fails("stamp-wrong", why="other-signature")
    else:
        yield unchecked("stamp-whose", at)


def _by(response: Any, signature: bytes, roots: Path, at: str) -> Line:
    """Held against authorities that are believed."""
    import rfc3161_client as tsp
    from cryptography.x509 import load_pem_x509_certificates

    try:
        builder = tsp.VerifierBuilder(roots=load_pem_x509_certificates(roots.read_bytes()))
        builder.build().verify_message(response, signature)
    except (tsp.VerificationError, ValueError) as error:
        return fails("stamp-wrong", why=one_line(error))
    return holds("stamp", at, who=roots.name)


def _digests(signature: bytes) -> tuple[bytes, ...]:
    return tuple(hashlib.new(name, signature).digest() for name in ("sha256", "sha384", "sha512"))


def pdf(archive: Archive, member: str) -> Line:
    """A report that the manifest calls signed: nothing in it was changed after the signature."""
    try:
        from pyhanko.pdf_utils.reader import PdfFileReader
        from pyhanko.sign.validation import validate_pdf_signature
        from pyhanko.sign.validation.status import SignatureCoverageLevel
    except ModuleNotFoundError:
        return unchecked("pdf-extra", member)
    try:
        found = PdfFileReader(io.BytesIO(archive.read(member, MAX_PDF))).embedded_signatures
        states = [validate_pdf_signature(one) for one in found]
    except KeyError:
        return fails("missing", member)
    except Exception as error:  # whatever somebody else's PDF does to the library
        return fails("pdf-wrong", member, why=one_line(error))
    whole = states and states[-1].coverage == SignatureCoverageLevel.ENTIRE_FILE  # else something was put behind it
    if not whole or not all(state.intact and state.valid for state in states):
        return fails("pdf-wrong", member, why="altered-pdf" if states else "unsigned")
    signer = states[-1].signing_cert.subject.human_friendly
    return note("pdf", member, who=signer)
