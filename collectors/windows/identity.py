"""What a Windows machine is."""

from __future__ import annotations

import hashlib
import ipaddress
import re

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.identity import Identity
from collectors.transports.base import Shell
from collectors.windows.document import Document, document
from collectors.windows.registry import CONTROL, CV, Registry
from collectors.windows.release import booted, release

_MAC = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){5}")
_NO_SERIAL = frozenset({"to be filled by o.e.m.", "default string", "system serial number", "none", "0", "not specified"})
_HYPERVISORS = (
    ("vmware", "vmware"),
    ("microsoft corporation|virtual machine", "microsoft"),
    ("qemu|kvm|red hat", "kvm"),
    ("innotek|virtualbox", "oracle"),
    ("xen", "xen"),
)


def identity(shell: Shell) -> Identity:
    answers = document(shell)
    gaps = Gaps()
    registry = Registry(answers)
    found = release(registry)
    gaps.note("os_codename", "unsupported", "a release of Windows has no such name")
    version = found.version
    if version is None:
        gaps.note("os_version", "unsupported", f"build {found.build} is not in the table of builds and does not name itself")
    lab = gaps.attempt("kernel_version", lambda: _some(registry.text(CV, "BuildLabEx"), "BuildLabEx"))
    return Identity(
        hostname=gaps.attempt("hostname", lambda: _name(answers, registry)),
        os_id="windows-server" if found.server else "windows",
        os_name=found.name,
        os_version=version,
        os_family="windows",
        kernel_release=found.number,
        kernel_version=lab,
        architecture=gaps.attempt(
            "architecture",
            lambda: _some(
                registry.text(rf"{CONTROL}\Session Manager\Environment", "PROCESSOR_ARCHITECTURE"), "PROCESSOR_ARCHITECTURE"
            ),
        ),
        machine_id=gaps.attempt("machine_id", lambda: _machine_id(answers)),
        serial=gaps.attempt("serial", lambda: _serial(answers)),
        vendor=gaps.attempt("vendor", lambda: _some(answers.section("computer").only().text("Manufacturer"), "Manufacturer")),
        model=gaps.attempt("model", lambda: _some(answers.section("computer").only().text("Model"), "Model")),
        macs=gaps.attempt("macs", lambda: _macs(answers)),
        addresses=gaps.attempt("addresses", lambda: _addresses(answers)),
        virtualization=gaps.attempt("virtualization", lambda: _virtualization(answers)),
        booted_at=gaps.attempt("booted_at", lambda: booted(answers.section("system"))),
        desktop=not found.core,
        unseen=gaps.unseen,
    )


def _some(text: str | None, what: str) -> str:
    if text is None or not text.strip():
        raise Unsupported(f"Windows tells no {what}")
    return text.strip()


def _name(answers: Document, registry: Registry) -> str:
    """The DNS name with its domain where it has one; else the short name of NetBIOS, upper case as Windows keeps it."""
    short = registry.text(rf"{CONTROL}\ComputerName\ActiveComputerName", "ComputerName")
    section = answers.found("computer")
    if section is None:
        return _some(short, "computer name")
    row = section.only()
    host = row.text("DNSHostName") or row.text("Name") or short
    domain = row.text("Domain") if row.yes("PartOfDomain") else None
    name = _some(host, "computer name")
    return f"{name}.{domain}" if domain and "." in domain else name


def _machine_id(answers: Document) -> str:
    uuid = (answers.section("product").only().text("UUID") or "").upper()
    if not re.fullmatch(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", uuid) or len(set(uuid) - {"-"}) == 1:
        raise Unsupported("the firmware tells no UUID of its own")
    return hashlib.sha256(b"rasoat:" + uuid.encode()).hexdigest()[:32]


def _serial(answers: Document) -> str:
    text = _some(answers.section("firmware").only().text("SerialNumber"), "serial number")
    if text.lower() in _NO_SERIAL:
        raise Unsupported("the firmware leaves the serial number as its maker found it")
    return text


def _macs(answers: Document) -> tuple[str, ...]:
    found = {(row.text("MACAddress") or "").upper() for row in answers.section("adapters").rows()} - {""}
    if any(not _MAC.fullmatch(mac) for mac in found):
        raise Unparsable("adapters: a hardware address is of no known form")
    return tuple(sorted(mac.lower() for mac in found))


def _addresses(answers: Document) -> tuple[str, ...]:
    found = []
    for row in answers.section("adapters").rows():
        for text in row.texts("IPAddress"):
            try:
                address = ipaddress.ip_address(text.partition("%")[0])
            except ValueError:
                raise Unparsable(f"adapters: {text[:60]!r} is no address") from None
            if not (address.is_loopback or address.is_link_local):
                found.append(str(address))
    return tuple(sorted(dict.fromkeys(found)))


def _virtualization(answers: Document) -> str:
    row = answers.section("computer").only()
    words = f"{row.text('Manufacturer') or ''} {row.text('Model') or ''}".lower()
    for pattern, name in _HYPERVISORS:
        # a Surface is made by Microsoft too, and is no virtual machine
        if re.search(pattern, words) and (name != "microsoft" or "virtual" in words):
            return name
    # Hyper-V's own host and machines with virtualisation-based security see a hypervisor as well
    return "none"
