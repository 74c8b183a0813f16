"""Patch state: a real apt reads an archive on this machine's disk, a real dpkg installs from it."""

from __future__ import annotations

from tests.planted.scenario import MARKS, Patient, Planted, blindfold, plant, scenarios

pytestmark = MARKS

_ON_LISTS = "updates.security_pending updates.security_held updates.pending_any"
_UPDATE = "apt-get update -qq"
_ORIGIN = "software.known_origin software.trusted_origin"
_LISTS = "/var/lib/apt/lists"
# apt takes no Release file that is older than the one it has
_ANEW = f"rm -rf {_LISTS}/*; {_UPDATE}"
_BACK = f"apt-mark -qq unhold rasoat-probe; publish main 1.0; publish security 1.0; {_ANEW}; [ $(dpkg-query -Wf '${{Version}}' rasoat-probe) = 1.0 ] || dpkg -i --force-downgrade /srv/archive/pool/rasoat-probe_1.0.deb >/dev/null 2>&1"


def published(name: str, script: str, red: str = "", unknown: str = "") -> Planted:
    return Planted(name, f"{script}; {_ANEW}", _BACK, red, unknown)


@scenarios(
    [
        published("security-update-waits", "publish security 1.1", "updates.security_pending updates.pending_any"),
        published("security-update-installed", f"publish security 1.1; {_UPDATE}; apt-get upgrade -qqy >/dev/null"),
        published("held-security-update", "publish security 1.1; apt-mark -qq hold rasoat-probe", _ON_LISTS),
        # apt's run reports success, and the hole stays
        published(
            "held-security-update-after-an-upgrade",
            f"publish security 1.1; {_UPDATE}; apt-mark -qq hold rasoat-probe; apt-get upgrade -qqy >/dev/null",
            _ON_LISTS,
        ),
        published("held-package-without-an-update", "apt-mark -qq hold rasoat-probe"),
        published("ordinary-update-waits", "publish main 1.1", "updates.pending_any"),
        published("held-ordinary-update", "publish main 1.1; apt-mark -qq hold rasoat-probe", "updates.pending_any"),
        published(
            "security-list-of-last-month",
            "publish security 1.0 '30 days ago'",
            "updates.lists_fresh",
            f"{_ON_LISTS} updates.point_release",
        ),
        published(
            "list-of-last-month-already-names-a-hole",
            "publish security 1.1 '30 days ago'",
            "updates.lists_fresh updates.security_pending updates.pending_any",
            "updates.security_held updates.point_release",
        ),
        # the clock was set back
        Planted(
            "list-of-next-week",
            f"sed -i \"s/^Date:.*/Date: $(date -uR -d '8 days')/\" {_LISTS}/*-security*Release",
            _ANEW,
            unknown=f"updates.lists_fresh {_ON_LISTS} updates.point_release",
        ),
        published("newer-point-release", ". /etc/os-release; publish main 1.0 now $VERSION_ID.99", "updates.point_release"),
        Planted(
            "security-source-removed",
            f"cp /etc/apt/sources.list /srv/kept; sed -i '/-security/d' /etc/apt/sources.list; {_UPDATE}",
            f"cp /srv/kept /etc/apt/sources.list; {_UPDATE}",
            red="updates.security_source",
            unknown="updates.security_pending updates.security_held",
        ),
        Planted(
            "security-list-deleted",
            f"mkdir /srv/lists; mv {_LISTS}/*-security* /srv/lists",
            f"mv /srv/lists/* {_LISTS}; rmdir /srv/lists",
            red="updates.security_source",
            unknown=f"{_ON_LISTS} {_ORIGIN}",
        ),
        Planted(
            "security-source-of-another-release",
            f"cp /etc/apt/sources.list /srv/kept; cp -r /srv/archive/debian-security/dists/*-security /srv/archive/debian-security/dists/buzz-security; sed -i 's/^Codename.*/Codename: buzz-security/;s/^Suite.*/Suite: oldoldstable-security/' /srv/archive/debian-security/dists/buzz-security/Release; sed -i 's/ [a-z]*-security main/ buzz-security main/' /etc/apt/sources.list; {_UPDATE}",
            f"cp /srv/kept /etc/apt/sources.list; rm -r /srv/archive/debian-security/dists/buzz-security; {_UPDATE}",
            red="updates.security_source",
            unknown="updates.security_pending updates.security_held",
        ),
        Planted(
            "all-lists-deleted",
            f"rm -rf {_LISTS}; mkdir -p {_LISTS}/partial",
            _UPDATE,
            unknown=f"{_ON_LISTS} updates.security_source updates.lists_fresh updates.refreshed updates.point_release {_ORIGIN}",
        ),
        Planted(
            "package-list-deleted-and-its-release-file-left",
            f"rm {_LISTS}/*-security*Packages*",
            f"rm -rf {_LISTS}/*; {_UPDATE}",
            unknown=f"{_ON_LISTS} {_ORIGIN}",
        ),
        Planted(
            "package-list-cut-off",
            f"for one in {_LISTS}/*-security*_Packages; do truncate -s 40 $one; done",
            f"rm -rf {_LISTS}/*; {_UPDATE}",
            unknown=f"{_ON_LISTS} {_ORIGIN}",
        ),
        Planted("lists-not-fetched-for-weeks", f"touch -d '40 days ago' {_LISTS}", f"touch {_LISTS}", red="updates.refreshed"),
        Planted(
            "release-without-support",
            "cp /etc/os-release /srv/kept; sed -i --follow-symlinks 's/^VERSION_ID=.*/VERSION_ID=\"9\"/' /etc/os-release",
            "cat /srv/kept >/etc/os-release",
            red="updates.supported",
            unknown="updates.security_pending",
        ),
        Planted(
            "release-nobody-knows",
            "cp /etc/os-release /srv/kept; sed -i --follow-symlinks 's/^VERSION_ID=.*/VERSION_ID=\"77\"/' /etc/os-release",
            "cat /srv/kept >/etc/os-release",
            unknown="updates.supported updates.security_pending",
        ),
        Planted("restart-asked-for", "touch /run/reboot-required", "rm /run/reboot-required", red="updates.reboot"),
    ]
)
def test_updates(patient: Patient, case: Planted) -> None:
    plant(patient, case)


def test_list_of_packages_cut_off(patient: Patient) -> None:
    """Half of dpkg's status would look like half of the updates."""
    cut = "cp /var/lib/dpkg/status /srv/kept; head -c 20000 /srv/kept >/var/lib/dpkg/status"
    blindfold(patient, Planted("cut", cut, "cp /srv/kept /var/lib/dpkg/status", unknown=f"{_ON_LISTS} {_ORIGIN}"))
