"""Everything rasoat can learn, by name. One file per question; one line here per fact."""

from __future__ import annotations

from collectors.facts.accounts import Accounts
from collectors.facts.antivirus import Antivirus
from collectors.facts.backup import Backup
from collectors.facts.base import Fact
from collectors.facts.certificates import Certificates
from collectors.facts.clock import Clock
from collectors.facts.firewall import Firewall
from collectors.facts.hardware import Hardware
from collectors.facts.identity import Identity
from collectors.facts.kernel import Kernel
from collectors.facts.listening import Listening
from collectors.facts.logs import Logs
from collectors.facts.password_policy import PasswordPolicy
from collectors.facts.permissions import Permissions
from collectors.facts.remote_access import RemoteAccess
from collectors.facts.services import Services
from collectors.facts.sessions import Sessions
from collectors.facts.shares import Shares
from collectors.facts.software import Software
from collectors.facts.storage import Storage
from collectors.facts.updates import Updates
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
    )
}
