"""Everything rasoat can learn, by name. One file per question; one line here per fact."""

from __future__ import annotations

from collectors.facts.accounts import Accounts
from collectors.facts.activity import Activity
from collectors.facts.antivirus import Antivirus
from collectors.facts.backup import Backup
from collectors.facts.base import Fact
from collectors.facts.certificates import Certificates
from collectors.facts.clock import Clock
from collectors.facts.configuration import Configuration
from collectors.facts.device_access import DeviceAccess
from collectors.facts.device_accounts import DeviceAccounts
from collectors.facts.device_logs import DeviceLogs
from collectors.facts.device_services import DeviceServices
from collectors.facts.exposure import Exposure
from collectors.facts.filtering import Filtering
from collectors.facts.firewall import Firewall
from collectors.facts.firmware import Firmware
from collectors.facts.hardware import Hardware
from collectors.facts.identity import Identity
from collectors.facts.interfaces import Interfaces
from collectors.facts.kernel import Kernel
from collectors.facts.listening import Listening
from collectors.facts.logs import Logs
from collectors.facts.neighbours import Neighbours
from collectors.facts.password_policy import PasswordPolicy
from collectors.facts.permissions import Permissions
from collectors.facts.redundancy import Redundancy
from collectors.facts.remote_access import RemoteAccess
from collectors.facts.services import Services
from collectors.facts.sessions import Sessions
from collectors.facts.shares import Shares
from collectors.facts.snmp_service import SnmpService
from collectors.facts.software import Software
from collectors.facts.storage import Storage
from collectors.facts.system_design import SystemDesign
from collectors.facts.updates import Updates
from collectors.facts.vulnerabilities import Vulnerabilities
from collectors.facts.windows_hardening import WindowsHardening

FACTS: dict[str, type[Fact]] = {
    fact.NAME: fact
    for fact in (
        Identity,
        Updates,
        Antivirus,
        Accounts,
        PasswordPolicy,
        RemoteAccess,
        Logs,
        Clock,
        Firewall,
        Listening,
        Services,
        Kernel,
        Software,
        Storage,
        Hardware,
        Sessions,
        Backup,
        Certificates,
        WindowsHardening,
        Permissions,
        Shares,
        Activity,
        DeviceAccess,
        DeviceAccounts,
        DeviceLogs,
        SnmpService,
        Filtering,
        Interfaces,
        Redundancy,
        DeviceServices,
        Configuration,
        Firmware,
        Neighbours,
        Exposure,
        SystemDesign,
        Vulnerabilities,
    )
}
