"""What others put to a bundle: a time stamp on its seal, where settings.toml names an authority; a signature on PDF reports.

Both need the extra [evidence]. What is configured and cannot be had stops the bundle: one without would say less than was asked
for, and nobody would notice.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from django.conf import settings
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from baselines.evidence import form

SECONDS = 30.0
MAX_ANSWER = 256 * 1024
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"


class NoStamp(ValueError):
    """The authority gave no time stamp that is one. The message says why."""


class NoSignature(ValueError):
    """A PDF could not be signed. The message says which, and why."""


def stamp(signature: bytes) -> Iterator[tuple[str, bytes]]:
    """Members to add: (name, content). Raises NoStamp."""
    url = settings.CONFIG.timestamp_url
    if not url:
        return
    try:
        import rfc3161_client as tsp
    except ModuleNotFoundError:
        raise NoStamp("pip install 'rasoat[evidence]'") from None
    request = tsp.TimestampRequestBuilder().data(signature).hash_algorithm(tsp.HashAlgorithm.SHA512).build()
    raw = _ask(url, request.as_bytes())
    try:
        response = tsp.decode_timestamp_response(raw)
        info = response.tst_info
        same = (info.message_imprint.message, info.nonce) == (request.message_imprint.message, request.nonce)
    except ValueError as error:
        raise NoStamp(f"{url}: {error}") from None
    if not same or response.status not in (0, 1):
        raise NoStamp(f"{url}: it stamped something else, or refused ({response.status})")
    yield form.STAMP, raw


def _ask(url: str, query: bytes) -> bytes:
    with PoolManager(retries=Retry(2, redirect=0), timeout=Timeout(SECONDS)) as pool:
        try:
            answer = pool.request("POST", url, body=query, headers={"Content-Type": QUERY}, preload_content=False)
            raw: bytes = answer.read(MAX_ANSWER + 1)
            status, kind = answer.status, answer.headers.get("Content-Type", "")
            answer.release_conn()
        except (HTTPError, OSError) as error:
            raise NoStamp(f"{url}: {error}") from None
    if status != 200 or not kind.startswith(REPLY) or len(raw) > MAX_ANSWER:
        raise NoStamp(f"{url}: {status} {kind}")
    return raw


def signed_pdf(name: str, content: bytes) -> tuple[bytes, bool]:
    """The report, and whether it was signed (PAdES B-B): PDFs only, and where settings.toml names a certificate. Raises NoSignature."""
    config = settings.CONFIG
    if not config.pdf_certificate or not content.startswith(b"%PDF-"):
        return content, False
    try:
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import signers
        from pyhanko.sign.fields import SigSeedSubFilter
    except ModuleNotFoundError:
        raise NoSignature("pip install 'rasoat[evidence]'") from None
    certificate, key = (str(settings.DATA.root / path) for path in (config.pdf_certificate, config.pdf_key))
    signer = signers.SimpleSigner.load(key, certificate, ca_chain_files=(certificate,))  # type: ignore[no-untyped-call]
    if signer is None:
        raise NoSignature(f"{certificate}, {key}: not a certificate and its key (PEM, without a password)")
    told = signers.PdfSignatureMetadata(field_name="rasoat", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    out = io.BytesIO()
    try:
        signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(content)), told, signer=signer, output=out)
    except Exception as error:  # whatever somebody else's PDF does to the library
        raise NoSignature(f"{name}: {' '.join(str(error).split())[:200] or type(error).__name__}") from None
    return out.getvalue(), True
