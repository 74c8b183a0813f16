"""Where the packed agent (rasoat-agent.spec) starts: what it unpacked for itself must not reach the programs it starts."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in agent/cli.py: `--help` must cost little
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL and its family
    "/etc/ssl/ca-bundle.pem",  # SUSE
)
"""OpenSSL was built for the distribution the file was packed on and looks for authorities where that one keeps them."""


def settle(environment: MutableMapping[str, str], exists: Callable[[str], bool]) -> None:
    """Make the environment what it was before the bootloader changed it, and say where this machine's authorities are.

    LD_LIBRARY_PATH points at our own libraries: systemctl or ssh would load our OpenSSL instead of theirs. This process has read
    it already, so only its children notice.
    """
    before = environment.pop("LD_LIBRARY_PATH_ORIG", None)
    environment.pop("LD_LIBRARY_PATH", None)
    if before is not None:
        environment["LD_LIBRARY_PATH"] = before
    # started by itself it unpacks anew: a cleaner of /tmp may have taken what the first one unpacked weeks ago
    environment["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
    if not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & environment.keys():
        found = next((path for path in AUTHORITIES if exists(path)), None)
        if found is not None:
            environment["SSL_CERT_FILE"] = found


if __name__ == "__main__":
    settle(os.environ, os.path.exists)
    from agent.cli import main

    sys.exit(main())
