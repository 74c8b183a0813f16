"""Open doors, old services, and the firewall as the kernel of this network namespace has it."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, plant, scenarios, turned

pytestmark = MARKS

_RELOAD = "nft -f /etc/nftables.conf"
_DROP = "table inet filter { chain input { type filter hook input priority 0; policy drop; }; chain forward { type filter hook forward priority 0; policy drop; }; }"


def listening(name: str, process: str, *sockets: str, red: str = "", unknown: str = "") -> Planted:
    return Planted(name, f"stand-in {process} {' '.join(sockets)}", f"stop {process}", red, unknown)


def rules(name: str, script: str, red: str = "", unknown: str = "") -> Planted:
    return Planted(name, script, _RELOAD, red, unknown)


@scenarios(
    [
        # who may reach a port that is not on the list of administration ports is for a person to say
        listening("ssh-on-its-port", "sshd", "tcp/0.0.0.0/2222", unknown="firewall.admin_ports_limited"),
        listening(
            "telnet",
            "in.telnetd",
            "tcp/0.0.0.0/23",
            red="listening.clear_text_remote listening.without_root services.no_legacy services.no_clear_text_remote",
        ),
        # by another name the process hides, the port does not
        listening("telnet-by-another-name", "helper", "tcp/::/23", red="listening.clear_text_remote listening.without_root"),
        listening(
            "ftp",
            "vsftpd",
            "tcp/0.0.0.0/21",
            red="listening.clear_text_remote listening.without_root services.no_legacy services.no_clear_text_files",
        ),
        listening(
            "tftp",
            "in.tftpd",
            "udp/0.0.0.0/69",
            red="listening.legacy_udp listening.without_root services.no_legacy services.no_clear_text_files",
        ),
        listening("inetd", "inetd", red="services.no_legacy services.no_inetd"),
        listening(
            "screen-in-the-clear",
            "Xvnc",
            "tcp/0.0.0.0/5901",
            red="listening.remote_desktop listening.without_root software.no_remote_control",
        ),
        listening("discovery-of-devices", "avahi-daemon", "udp/0.0.0.0/5353", red="listening.discovery listening.without_root"),
        Planted(
            "snmp-with-a-community",
            "mkdir -p /etc/snmp; echo 'rocommunity public default' >/etc/snmp/snmpd.conf; stand-in snmpd udp/0.0.0.0/161",
            "stop snmpd; rm /etc/snmp/snmpd.conf",
            red="listening.without_root services.no_legacy services.snmp_v3",
        ),
        Planted(
            "snmp-with-users-of-version-3",
            "mkdir -p /etc/snmp; echo 'rouser giamsat authpriv' >/etc/snmp/snmpd.conf; stand-in snmpd udp/0.0.0.0/161",
            "stop snmpd; rm /etc/snmp/snmpd.conf",
            red="listening.without_root",
        ),
        Planted(
            "printing-starts-at-boot",
            "ln -s ../init.d/cups /etc/rc2.d/S01cups",
            "rm /etc/rc2.d/S01cups",
            red="services.no_unneeded",
        ),
        Planted(
            "telnet-starts-at-boot",
            "ln -s ../init.d/xinetd /etc/rc2.d/S01xinetd",
            "rm /etc/rc2.d/S01xinetd",
            red="services.no_legacy services.no_inetd",
        ),
        Planted(
            "desktop-installed",
            "ln -s /lib/systemd/system/lightdm.service /etc/systemd/system/display-manager.service",
            "rm /etc/systemd/system/display-manager.service",
            red="identity.no_desktop",
        ),
        Planted("default-name", "hostname debian", "hostname sv-planted-01", red="identity.hostname"),
    ]
)
def test_doors(patient: Patient, case: Planted) -> None:
    plant(patient, case)


@scenarios(
    [
        listening("database-for-everybody", "postgres", "tcp/0.0.0.0/5432", red="listening.databases"),
        listening("database-for-everybody-by-ipv6", "mariadbd", "tcp/::/3306", red="listening.databases"),
        listening("database-for-this-machine", "postgres", "tcp/127.0.0.1/5432", "tcp/::1/5432"),
        listening("file-sharing", "smbd", "tcp/0.0.0.0/445", red="listening.file_sharing"),
        listening("rpcbind-by-udp", "rpcbind", "udp/0.0.0.0/111", red="listening.file_sharing"),
    ]
)
def test_doors_of_a_workplace(patient: Patient, case: Planted) -> None:
    """The standard asks for these two of workplaces only, so the copy is looked at as one."""
    healthy = patient.machine.verdicts("workstation")
    patient.machine.sh(case.breaks)
    assert turned(healthy, patient.machine.verdicts("workstation")) == dict.fromkeys(case.red.split(), "fail")
    patient.machine.sh(case.repairs)
    assert patient.machine.verdicts("workstation") == healthy


_ALL = "firewall.active firewall.default_inbound firewall.default_inbound_ipv6 firewall.default_forward firewall.at_boot"


@scenarios(
    [
        rules("no-rules-at-all", "nft flush ruleset", _ALL),
        rules(
            "debian-s-empty-chains",
            "nft flush ruleset; nft 'table inet filter { chain input { type filter hook input priority 0; }; chain forward { type filter hook forward priority 0; }; }'",
            _ALL,
        ),
        rules(
            "policy-accept",
            "nft 'chain inet filter input { policy accept; }'",
            "firewall.active firewall.default_inbound firewall.default_inbound_ipv6 firewall.at_boot",
        ),
        rules(
            "accept-before-the-policy",
            "nft add rule inet filter input accept",
            "firewall.default_inbound firewall.default_inbound_ipv6",
        ),
        rules(
            "everything-from-everywhere", "nft add rule inet filter input ip saddr 0.0.0.0/0 accept", "firewall.default_inbound"
        ),
        rules(
            "all-tcp-ports-open",
            "nft add rule inet filter input tcp dport 1-65535 accept",
            "firewall.default_inbound firewall.default_inbound_ipv6",
        ),
        rules(
            "one-bad-address-refused-and-the-door-open",
            "nft flush ruleset; nft 'table inet f { chain input { type filter hook input priority 0; ip saddr 192.0.2.66 drop; }; chain forward { type filter hook forward priority 0; policy drop; }; }'",
            "firewall.default_inbound firewall.default_inbound_ipv6",
        ),
        rules(
            "ipv4-closed-and-ipv6-open",
            f"nft flush ruleset; nft '{_DROP.replace('inet', 'ip')}'",
            "firewall.default_inbound_ipv6",
        ),
        rules(
            "ipv6-closed-and-ipv4-open",
            f"nft flush ruleset; nft '{_DROP.replace('inet', 'ip6')}'",
            "firewall.active firewall.default_inbound firewall.default_forward firewall.at_boot",
        ),
        rules(
            "policy-accept-and-a-drop-at-the-end",
            "nft 'chain inet filter input { policy accept; }'; nft add rule inet filter input drop",
        ),
        rules(
            "table-asleep",
            "nft flush ruleset; nft '" + _DROP.replace("filter { chain", "filter { flags dormant; chain", 1) + "'",
            _ALL,
        ),
        rules("forwarding-open", "nft 'chain inet filter forward { policy accept; }'", "firewall.default_forward"),
        Planted(
            "rules-gone-after-the-next-start",
            "rm /etc/rc2.d/S01nftables",
            "ln -s ../init.d/nftables /etc/rc2.d/S01nftables",
            red="firewall.at_boot",
        ),
        Planted(
            "ipv6-open-and-switched-off",
            f"nft flush ruleset; nft '{_DROP.replace('inet', 'ip')}'; mount -o remount,rw /proc/sys 2>/dev/null || :; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6",
            f"echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6; {_RELOAD}",
        ),
    ]
)
def test_firewall(patient: Patient, case: Planted) -> None:
    plant(patient, case)
