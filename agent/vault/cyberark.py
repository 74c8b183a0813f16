"""CyberArk Central Credential Provider, its web service for applications. Authored from its API documentation.

    cyberark_url: https://ccp.example        cyberark_app_id: rasoat        cyberark_ca_file: /etc/rasoat/ccp-ca.pem
    cyberark_certificate_file: ...           cyberark_key_file: ...         (where it wants a client certificate)

`cyberark:SAFE/OBJECT` names one password; with a folder it is SAFE/FOLDER/OBJECT. Answers carry a code beside the HTTP status, and
the code says more: both are read. A password that is being changed at the moment is not used: it may be the old or the new one,
and a log-on with the wrong one counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from agent.vault import SecretError
from agent.vault.asking import Line

if TYPE_CHECKING:
    from agent.config import Config

PATH = "/AIMWebService/api/Accounts"
_CODE = re.compile(r"[A-Z0-9]{6,12}")
_DENIED = ("APPAP008E", "APPAP087E", "APPAP132E", "APPAP133E", "APPAP306E")
_MISSING = ("APPAP004E", "APPAP249E", "APPAP324E")
_MANY = ("APPAP227E", "APPAP228E", "APPAP229E")
_CHANGING = ("APPAP282E",)
_AWAY = ("APPAP007E",)


class CyberArk:
    """The web service, asked once per password."""

    def __init__(self, app_id: str, line: Line) -> None:
        self._app_id = app_id
        self._line = line

    @classmethod
    def of(cls, config: Config) -> CyberArk:
        if config.cyberark_url is None or config.cyberark_app_id is None:
            raise SecretError("not-set-up", "no CyberArk is set up here: write cyberark_url and cyberark_app_id to agent.yaml")
        line = Line(
            "CyberArk", config.cyberark_url, config.cyberark_ca_file, config.cyberark_certificate_file, config.cyberark_key_file
        )
        return cls(config.cyberark_app_id, line)

    def read(self, where: str) -> str:
        """The password. Raises SecretError."""
        parts = where.split("/")
        if len(parts) < 2 or not all(parts):
            raise SecretError("not-set-up", f"cyberark:{where} names no password; write it like cyberark:SAFE/OBJECT")
        asked = {"AppID": self._app_id, "Safe": parts[0], "Object": parts[-1]}
        if len(parts) > 2:
            asked["Folder"] = "\\".join(parts[1:-1])
        reply = self._line.ask("GET", f"{PATH}?{urlencode(asked)}", {})
        code = reply.document.get("ErrorCode")
        if reply.status != 200 or code:
            raise _error(reply.status, code if isinstance(code, str) and _CODE.fullmatch(code) else "", where)
        if str(reply.document.get("PasswordChangeInProcess")).lower() == "true":
            raise SecretError("changing", f"CyberArk is changing the password of {where}; the next run asks again")
        content = reply.document.get("Content")
        if not isinstance(content, str):
            raise SecretError("not-found", f"CyberArk's answer for {where} holds no password")
        return content


def _error(status: int, code: str, where: str) -> SecretError:
    said = f"HTTP {status}{', ' if code else ''}{code}"
    if code in _CHANGING:
        return SecretError("changing", f"CyberArk is changing the password of {where}; the next run asks again")
    if code in _MANY:
        return SecretError("not-found", f"CyberArk has more than one password for {where}: {said}")
    if code in _MISSING or (status == 404 and not code):
        return SecretError("not-found", f"CyberArk has no password {where}, or the application may not see it: {said}")
    if code in _DENIED or status in (401, 403):
        return SecretError("denied", f"CyberArk does not let this application or machine in: {said}")
    if code in _AWAY:
        return SecretError("sealed", f"CyberArk's provider does not reach its vault: {said}")
    return SecretError("unreachable", f"CyberArk cannot answer: {said}")
