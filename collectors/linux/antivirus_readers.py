"""What each product says of itself. A reader is asked only when its product was found.

Each part is asked by itself: what one command does not tell stays None, with the reason. "It runs" is never taken for
"it protects": Defender calls itself healthy with real-time protection off, CrowdStrike runs in reduced mode.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.linux.presence import Running
from collectors.transports.base import Shell

T = TypeVar("T")


ALL = ("version", "realtime", "signatures_dated", "managed", "expires")
"""What stays unanswered when the one command that answers everything fails."""


class Product:
    """One product while it is asked: its answers, and why a field has none."""

    def __init__(self, shell: Shell, running: Running, paths: frozenset[str]) -> None:
        self.shell, self.running, self.paths = shell, running, paths
        self.reasons: dict[str, CollectError] = {}
        self.version: str | None = None
        self.realtime: bool | None = None
        self.signatures_dated: datetime | None = None
        self.has_signatures: bool | None = None
        self.managed: bool | None = None
        self.console: str | None = None
        self.expires: date | None = None

    def attempt(self, fields: str | tuple[str, ...], ask: Callable[[], T]) -> T | None:
        """What `ask` returns; None, with the reason kept for each field, when it raises a CollectError."""
        try:
            return ask()
        except CollectError as error:
            self.reasons.update(dict.fromkeys((fields,) if isinstance(fields, str) else fields, error))
            return None


def clamav_header(product: Product) -> None:
    """Version by clamscan; the date from the header of daily.cvd, for copying a file from a stick makes its own time new.

    clamd scans nothing by itself: real-time is clamonacc, told by clamd.conf which paths to watch, asking a living clamd.
    """
    shell = product.shell
    product.version = product.attempt("version", lambda: _clam_version(shell.run("clamscan", "--version").require()))
    texts = product.attempt(
        "realtime", lambda: shell.read_all("/etc/clamav/clamd.conf", "/etc/clamd.d/*.conf", "/etc/clamd.conf")
    )
    said = [] if texts is None else re.findall(r"(?m)^[ \t]*(\w+)[ \t]+(\S.*?)[ \t]*$", "\n".join(texts.values()))
    folder = next((value.strip("\"'") for key, value in said if key == "DatabaseDirectory"), "/var/lib/clamav")
    if texts is not None:
        watches = any(key in ("OnAccessIncludePath", "OnAccessMountPath") for key, _ in said)
        product.realtime = product.attempt("realtime", lambda: _on_access(product.running, watches))
    files = product.attempt(("signatures_dated", "has_signatures"), lambda: shell.names(f"{folder}/daily.c[lv]d"))
    if files is not None:
        product.has_signatures = bool(files)
        product.signatures_dated = product.attempt("signatures_dated", lambda: _daily(shell, folder, files))


def _clam_version(text: str) -> str:
    """`ClamAV 1.4.6/28163/Fri Nov 20 09:26:00 2026`; without a database only the first part."""
    found = re.match(r"ClamAV (\d[\w.+-]*)", text)
    if found is None:
        raise Unparsable("clamscan --version: not understood")
    return found[1]


def _on_access(running: Running, watches: bool) -> bool:
    if not running.runs(("clamav-clamonacc.service", "clamonacc.service"), ("clamonacc",)):
        return False
    if not watches:
        raise Unsupported("clamonacc runs, but clamd.conf names no path; what its command line adds is not seen")
    return running.runs(("clamav-daemon.service", "clamd.service", "clamd@scan.service"), ("clamd",))


def _daily(shell: Shell, folder: str, paths: tuple[str, ...]) -> datetime:
    if not paths:
        raise Unsupported(f"{folder} holds no daily.cvd or daily.cld: ClamAV has no signatures")
    return max(clamav_built(shell.run("head", "-c", "512", path).require()) for path in paths)


def clamav_built(header: str) -> datetime:
    """Build time in the first 512 bytes of a ClamAV database: `ClamAV-VDB:20 Nov 2026 09-26 +0000:28163:...`."""
    found = re.match(r"ClamAV-VDB:(\d{1,2}) (\w{3}) (\d{4}) (\d\d)-(\d\d) ([+-])(\d\d)(\d\d):\d+:", header)
    if found is None:
        raise Unparsable("the database of ClamAV has no header of the usual form")
    day, month, year, hour, minute, sign, hours, minutes = found.groups()
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    if month not in months:
        raise Unparsable("the database of ClamAV has no month in its header")
    east = timedelta(hours=int(hours), minutes=int(minutes)) * (1 if sign == "+" else -1)
    return _when(lambda: datetime(int(year), months.index(month) + 1, int(day), int(hour), int(minute), tzinfo=UTC) - east)


def mdatp_health(product: Product) -> None:
    """`healthy` is not looked at: it is true with real-time protection off, and in passive mode."""
    said = product.attempt(ALL, lambda: _json(product.shell.run("mdatp", "health", "--output", "json").require()))
    if said is None:
        return
    product.version = product.attempt("version", lambda: _text(said, "appVersion"))
    product.realtime = product.attempt("realtime", lambda: _mdatp_realtime(said))
    product.signatures_dated = product.attempt("signatures_dated", lambda: _millis(_text(said, "definitionsUpdated")))
    product.managed = product.attempt("managed", lambda: bool(_text(said, "orgId", "")))


def _mdatp_realtime(said: dict[str, Any]) -> bool:
    return _flag(said, "realTimeProtectionEnabled") and not _flag(said, "passiveModeEnabled")


def _flag(said: dict[str, Any], key: str) -> bool:
    """Newer releases wrap each setting: {"value": true, "isManaged": false}."""
    value = said.get(key)
    value = value.get("value") if isinstance(value, dict) else value
    if not isinstance(value, bool):
        raise Unparsable(f"mdatp health: {key} is neither true nor false")
    return value


def dsa_query(product: Product) -> None:
    """The agent runs with its anti-malware module off, too: `Component.AM.mode` says which."""
    said = _pairs(
        product, lambda: product.shell.run("/opt/ds_agent/dsa_query", "-c", "GetComponentInfo", root=True).require(), ": "
    )
    if said is None:
        return
    product.version = said.get("Component.CORE.version")
    product.realtime = product.attempt("realtime", lambda: _deep_security(said))
    expiry = said.get("Component.AM.licenseExpiry", "")
    if expiry.isdecimal() and 0 < int(expiry) < 1 << 33:
        product.expires = datetime.fromtimestamp(int(expiry), UTC).date()


def _deep_security(said: dict[str, str]) -> bool:
    mode = said.get("Component.AM.mode")
    if mode is None:
        raise Unparsable("dsa_query: no Component.AM.mode")
    return (
        mode == "on"
        and said.get("Component.AM.driverOffline", "false") == "false"
        and said.get("Component.AM.scan.Realtime", "1") != "0"
    )


def kesl_control(product: Product) -> None:
    """`--app-info` says whether the file threat protection task runs; its date is taken as UTC, for it names no zone."""
    said = _pairs(product, lambda: product.shell.run("kesl-control", "--app-info", root=True).require(), ":")
    if said is None:
        return
    product.version = said.get("Version")
    product.realtime = product.attempt("realtime", lambda: _kesl_task(said))
    product.signatures_dated = product.attempt("signatures_dated", lambda: _iso(said.get("Last release date of databases", "")))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", said.get("License expiration date", "")):
        product.expires = product.attempt("expires", lambda: _iso(said["License expiration date"] + " 00:00:00").date())


def _kesl_task(said: dict[str, str]) -> bool:
    state = said.get("File Threat Protection", said.get("File monitoring", "")).lower()
    if state.endswith("running"):
        return True
    if state.endswith("stopped") or state.startswith("unavailable"):
        return False
    raise Unparsable("kesl-control: the state of file threat protection is not understood")


def eset_modules(product: Product) -> None:
    """The day of the detection engine (EM002). Its unit may be active with on-access scanning off, and no command tells."""
    shell = product.shell
    efs = "/opt/eset/efs" in product.paths
    modules = product.attempt(
        "signatures_dated",
        lambda: (
            shell.run("/opt/eset/efs/bin/upd", "--list-modules", root=True)
            if efs
            else shell.run("/opt/eset/eea/bin/upd", "--list-modules", root=True)
        ).require(),
    )
    product.attempt("realtime", lambda: _never("ESET tells by no command we know whether on-access scanning is on"))
    if modules is not None:
        product.signatures_dated = product.attempt("signatures_dated", lambda: eset_engine(modules))


def eset_engine(text: str) -> datetime:
    """`EM002  31832 (20250909)  Detection engine`: the day the vendor built it."""
    found = re.search(r"(?m)^EM002\s+\S+\s+\((\d{4})(\d\d)(\d\d)\)", text)
    if found is None:
        raise Unparsable("upd --list-modules: no detection engine in the list")
    return _when(lambda: datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC))


def sophos(product: Product) -> None:
    """The old product has a command; the new one (SPL) keeps its state to itself, its on-access scanner too."""
    shell = product.shell
    if "/opt/sophos-av" in product.paths:
        text = product.attempt("realtime", lambda: shell.run("/opt/sophos-av/bin/savdstatus", root=True).require())
        if text is not None:
            product.realtime = product.attempt("realtime", lambda: _savd(text))
        return
    product.attempt("realtime", lambda: _never("Sophos tells by no command we know whether on-access scanning is on"))
    version = product.attempt("version", lambda: shell.read("/opt/sophos-spl/base/VERSION.ini", root=True))
    found = re.search(r"(?m)^PRODUCT_VERSION\s*=\s*(\S+)", version or "")
    product.version = found[1] if found else None


def _savd(text: str) -> bool:
    if "On-access scanning is not running" in text:
        return False
    if "On-access scanning is running" in text:
        return True
    raise Unparsable("savdstatus: does not speak of on-access scanning")


def mfetpcli(product: Product) -> None:
    """The same program under McAfee's name and under Trellix's."""
    shell = product.shell
    old = "/opt/McAfee/ens" in product.paths
    access = product.attempt(
        "realtime",
        lambda: (
            shell.run("/opt/McAfee/ens/tp/bin/mfetpcli", "--getoasconfig", "--summary", root=True)
            if old
            else shell.run("/opt/isec/ens/threatprevention/bin/isecav", "--getoasconfig", "--summary", root=True)
        ).require(),
    )
    version = product.attempt(
        "version",
        lambda: (
            shell.run("/opt/McAfee/ens/tp/bin/mfetpcli", "--version", root=True)
            if old
            else shell.run("/opt/isec/ens/threatprevention/bin/isecav", "--version", root=True)
        ).require(),
    )
    if access is not None:
        product.realtime = product.attempt("realtime", lambda: _on_off(access, r"On-Access Scan:\s*(Enabled|Disabled)"))
    found = re.search(r"(?m)^Version\s*:\s*(\S+)", version or "")
    product.version = found[1] if found else None


def symantec_sav(product: Product) -> None:
    """`sav info` of the classic agent; the newer one (SDCSS) has no command we know."""
    shell = product.shell
    if "/opt/Symantec/symantec_antivirus" not in product.paths:
        product.attempt("realtime", lambda: _never("this agent of Symantec has no command we know"))
        product.attempt("signatures_dated", lambda: _never("this agent of Symantec has no command we know"))
        return
    access = product.attempt(
        "realtime", lambda: shell.run("/opt/Symantec/symantec_antivirus/sav", "info", "-a", root=True).require()
    )
    dated = product.attempt(
        "signatures_dated", lambda: shell.run("/opt/Symantec/symantec_antivirus/sav", "info", "-d", root=True).require()
    )
    if access is not None:
        product.realtime = product.attempt("realtime", lambda: _on_off(access, r"^\s*(Enabled|Disabled|Malfunctioning)\s*$"))
    if dated is not None:
        product.signatures_dated = product.attempt("signatures_dated", lambda: symantec_defs(dated))


def symantec_defs(text: str) -> datetime:
    """`11/20/2026 rev. 2`: month first."""
    found = re.search(r"\b(\d\d)/(\d\d)/(\d{4})\b", text)
    if found is None:
        raise Unparsable("sav info -d: no date")
    return _when(lambda: datetime(int(found[3]), int(found[1]), int(found[2]), tzinfo=UTC))


def falconctl(product: Product) -> None:
    """rfm-state=true means reduced functionality, commonly a kernel the sensor does not know: it runs and protects nothing."""
    text = product.attempt(
        ALL,
        lambda: product.shell.run("/opt/CrowdStrike/falconctl", "-g", "--version", "--aid", "--rfm-state", root=True).require(),
    )
    if text is None:
        return
    version = re.search(r"version\s*=\s*\"?([\d.]*\d)", text)
    product.version = version[1] if version else None
    product.realtime = product.attempt("realtime", lambda: not _on_off(text, r"rfm-state\s*=\s*(true|false)"))
    product.managed = re.search(r"aid\s*=\s*\"?[0-9a-f]{32}", text) is not None or None


def sentinelctl(product: Product) -> None:
    """Columns two or more blanks apart. The site key in `management status` is a secret and stays there."""
    shell = product.shell
    version = product.attempt("version", lambda: shell.run("/opt/sentinelone/bin/sentinelctl", "version", root=True).require())
    state = product.attempt(
        "realtime", lambda: shell.run("/opt/sentinelone/bin/sentinelctl", "control", "status", root=True).require()
    )
    engines = product.attempt(
        "realtime", lambda: shell.run("/opt/sentinelone/bin/sentinelctl", "engines", "status", root=True).require()
    )
    console = product.attempt(
        "managed", lambda: shell.run("/opt/sentinelone/bin/sentinelctl", "management", "status", root=True).require()
    )
    found = re.search(r"Agent version:\s*(\S+)", version or "")
    product.version = found[1] if found else None
    if state is not None and engines is not None:
        product.realtime = product.attempt(
            "realtime",
            lambda: (
                _on_off(state, r"Agent state\s{2,}(Enabled|Disabled)")
                and _on_off(engines, r"Dynamic engine\s{2,}(Enabled|Disabled)")
            ),
        )
    if console is not None:
        product.managed = product.attempt("managed", lambda: _on_off(console, r"Connectivity\s{2,}(On|Off)"))
        url = re.search(r"(?m)^URL\s{2,}https?://([\w.:-]+)", console)
        product.console = url[1] if url else None


def bduitool(product: Product) -> None:
    """`Last security content update` is when it took the newest content in; it takes in nothing but newer content."""
    text = product.attempt(
        ALL, lambda: product.shell.run("/opt/bitdefender-security-tools/bin/bduitool", "get", "ps", root=True).require()
    )
    if text is None:
        return
    version = re.search(r"(?m)^Product version:\s*(\S+)", text)
    product.version = version[1] if version else None
    product.realtime = product.attempt("realtime", lambda: _on_off(text, r"Antimalware status:\s*(On|Off)"))
    product.signatures_dated = product.attempt("signatures_dated", lambda: bitdefender_content(text))


def bitdefender_content(text: str) -> datetime:
    """`Last security content update: 2023-08-24 at 11:44:37 GMT+2`."""
    found = re.search(
        r"Last security content update:\s*(\d{4}-\d\d-\d\d) at (\d\d:\d\d:\d\d) (?:GMT|UTC)([+-]\d{1,2})?(?::(\d\d))?\s*$",
        text,
        re.M,
    )
    if found is None:
        raise Unparsable("bduitool: no date of the last content update")
    east = timedelta(hours=int(found[3] or 0), minutes=int(found[4] or 0))
    return _when(lambda: _iso(f"{found[1]} {found[2]}") - east)


def cytool(product: Product) -> None:
    """Version and running daemons; whether files are scanned is told by no command we know."""
    text = product.attempt("version", lambda: product.shell.run("/opt/traps/bin/cytool", "info", root=True).require())
    found = re.search(r"(?m)^Cortex XDR .*?(\d+(?:\.\d+){2,})\s*$", text or "")
    product.version = found[1] if found else None
    product.attempt("realtime", lambda: _never("cytool does not tell whether files are scanned when they are used"))


READERS: dict[str, Callable[[Product], None]] = {
    function.__name__: function
    for function in (
        clamav_header, mdatp_health, dsa_query, kesl_control, eset_modules, sophos, mfetpcli, symantec_sav, falconctl, sentinelctl, bduitool, cytool,
    )
}  # fmt: skip


# --- pieces ------------------------------------------------------------------------------------------------------------


def _pairs(product: Product, ask: Callable[[], str], between: str) -> dict[str, str] | None:
    """`Name: value` lines; lines of another form are titles."""
    text = product.attempt(ALL, ask)
    if text is None:
        return None
    return {key.strip(): value.strip() for key, sign, value in (line.partition(between) for line in text.splitlines()) if sign}


def _on_off(text: str, pattern: str) -> bool:
    found = re.search(pattern, text, re.M)
    if found is None:
        raise Unparsable(f"the answer does not hold what was looked for: {text.strip()[:60]!r}")
    return found[1].lower() in ("on", "true", "enabled")


def _json(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Unparsable("mdatp health: no JSON") from None
    if not isinstance(said, dict):
        raise Unparsable("mdatp health: not the object expected")
    return said


def _text(said: dict[str, Any], key: str, otherwise: str | None = None) -> str:
    value = said.get(key, otherwise)
    if not isinstance(value, str):
        raise Unparsable(f"mdatp health: {key} is missing")
    return value


def _millis(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{12,14}", text):
        raise Unparsable("mdatp health: definitionsUpdated is no time")
    return _when(lambda: datetime.fromtimestamp(int(text) // 1000, UTC))


def _iso(text: str) -> datetime:
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)", text)
    if found is None:
        raise Unparsable(f"no time: {text[:40]!r}")
    return _when(lambda: datetime(*(int(part) for part in found.groups()), tzinfo=UTC))  # type: ignore[misc, arg-type]


def _when(ask: Callable[[], datetime]) -> datetime:
    """A time before there was any (1970: never updated) or that no calendar holds is no date of signatures."""
    try:
        moment = ask()
    except (ValueError, OverflowError, OSError):
        raise Unparsable("a time that no calendar holds") from None
    if moment.year < 2000:
        raise Unsupported("the product has never had signatures: it gives the year 1970")
    return moment


def _never(why: str) -> bool:
    raise Unsupported(why)
