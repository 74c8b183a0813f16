"""The clock, kept by two real chronyd: one follows the other, and neither touches the machine's clock."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, plant, scenarios

pytestmark = MARKS

_CONF = "/etc/chrony/chrony.conf"
_AGAIN = "clock-start; until clock-follows; do sleep 0.1; done"


@scenarios(
    [
        Planted(
            "time-server-dead",
            # the reference alone: the machine's own chronyd is the one with another configuration
            "kill -9 $(cat /run/reference/pid); until chronyc -c -n sources | grep -q '^^,?,127.0.0.1,8,[^,]*,0,'; do sleep 0.1; done",
            _AGAIN,
            red="clock.synchronised clock.source_reachable",
            unknown="clock.offset",
        ),
        Planted(
            "chrony-stopped",
            "stop chronyd",
            _AGAIN,
            red="clock.running clock.synchronised",
            unknown="clock.source_reachable clock.offset",
        ),
        Planted(
            "name-of-the-time-server-cannot-be-resolved",
            f"cp {_CONF} /srv/kept; sed -i 's/^server.*/server ntp.donvi.example iburst/' {_CONF}; clock-start; until chronyc -c tracking >/dev/null; do sleep 0.1; done",
            f"cp /srv/kept {_CONF}; {_AGAIN}",
            red="clock.synchronised clock.source_reachable",
            unknown="clock.offset",
        ),
        # chronyd then says that it is in step: with itself
        Planted(
            "own-clock-served-as-if-it-were-a-source",
            f"cp {_CONF} /srv/kept; sed -i 's/^server.*/local stratum 10/' {_CONF}; clock-start; until chronyc -c tracking | grep -q ^7F7F0101; do sleep 0.1; done",
            f"cp /srv/kept {_CONF}; {_AGAIN}",
            red="clock.synchronised clock.source_reachable",
            unknown="clock.offset",
        ),
        Planted(
            "no-time-software",
            "stop chronyd; mv /usr/sbin/chronyd /usr/bin/chronyc /srv; for one in /lib/systemd/systemd-timesyncd /usr/sbin/ntpd; do [ ! -e $one ] || mv $one /srv; done",
            f"mv /srv/chronyd /usr/sbin; mv /srv/chronyc /usr/bin; [ ! -e /srv/systemd-timesyncd ] || mv /srv/systemd-timesyncd /lib/systemd; [ ! -e /srv/ntpd ] || mv /srv/ntpd /usr/sbin; {_AGAIN}",
            red="clock.running clock.synchronised clock.source_reachable",
            unknown="clock.offset",
        ),
        Planted(
            "another-time-zone",
            "ln -sf /usr/share/zoneinfo/Europe/Paris /etc/localtime",
            "ln -sf /usr/share/zoneinfo/Asia/Ho_Chi_Minh /etc/localtime",
            red="clock.timezone",
        ),
        Planted(
            "does-not-start-at-boot",
            "rm /etc/rc2.d/S01chrony",
            "ln -s ../init.d/chrony /etc/rc2.d/S01chrony",
            red="services.time_at_boot",
        ),
    ]
)
def test_clock(patient: Patient, case: Planted) -> None:
    plant(patient, case)
