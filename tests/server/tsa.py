"""A time-stamping authority on loopback: openssl's own responder behind a small HTTP server."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = """
[tsa]
default_tsa = here
[here]
dir = {dir}
serial = {dir}/serial
crypto_device = builtin
signer_cert = {dir}/tsa.crt
signer_key = {dir}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
EXTENSIONS = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE\n"


def run(*argv: object, folder: Path) -> None:
    subprocess.run(["openssl", *map(str, argv)], cwd=folder, check=True, capture_output=True, timeout=60)


def authority(folder: Path, name: str) -> Path:
    """Its certificate of the root; key and certificate of the responder lie beside."""
    folder.mkdir()
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run(*new, "-x509", "-keyout", "ca.key", "-out", "ca.crt", "-days", 30, "-subj", f"/CN={name}", folder=folder)
    run(*new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", f"/CN={name} TSA", folder=folder)
    (folder / "ext").write_text(EXTENSIONS)
    sign = ("x509", "-req", "-in", "tsa.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", 30)
    run(*sign, "-extfile", "ext", "-out", "tsa.crt", folder=folder)
    (folder / "serial").write_text("01\n")
    (folder / "ts.cnf").write_text(CONFIG.format(dir=folder))
    return folder / "ca.crt"


@contextmanager
def serving(folder: Path, answer: bytes | None = None) -> Iterator[str]:
    """Its address. `answer`: what it says to everybody in place of a time stamp."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            raw = answer
            if raw is None:
                run("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "reply", folder=folder)
                raw = (folder / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_given: object) -> None:
            """Not in the tests' output."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
