"""What `rasoat server` does, once Django is set up (cli.py)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from django.utils.translation import gettext as _

from baselines.loader import BaselineError, load
from baselines.tailoring import Tailoring
from server import database
from server.assess import judge, packs
from server.assess import whatif as foresight
from server.assess.tasks import rejudge as rejudging
from server.configurations import retention
from server.enrolment.console import machine_of as _machine
from server.ingest.models import EnrolmentToken, Machine
from server.journal import models as journal
from server.people import sessions
from server.people.models import SecondFactor
from server.signon.people import external
from server.storage import keys
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named as unit_named
from server.units.models import DEFAULT_LEVEL, Membership, Unit, User
from server.units.passwords import generate

ADMIN = "admin"


def init(options: argparse.Namespace) -> int:
    """Idempotent: what exists stays as it is, passwords and keys above all."""
    database.migrate()
    database.private(settings.DATA.database)
    root = Unit.objects.filter(parent=None).first()
    if root is None:
        root = Unit.objects.create(name=options.unit or _("Organisation"), level=options.level or DEFAULT_LEVEL)
        journal.write("server.init", "console", unit_path=root.path, subject=root.name)
        say(_("Unit: %(name)s, level %(level)d") % {"name": root.name, "level": root.level})
    else:
        say(_("Unit: %s (was there already)") % root.name)
    admin = User.objects.filter(username=ADMIN).first()
    if admin is None:
        password = generate()
        admin = User.objects.create_user(ADMIN, password, must_change=True)
        Membership.objects.create(user=admin, unit=root, role=Membership.ADMIN)
        journal.write("user.new", "console", unit_path=root.path, subject=ADMIN)
        say(
            _("Administrator: %(user)s\nPassword (shown this once, to be changed at the first log-on): %(password)s")
            % {"user": ADMIN, "password": password}
        )
    else:
        say(_("Administrator: %s (was there already; `rasoat server user reset admin` gives a new password)") % ADMIN)
    say(_("Data directory: %s") % settings.DATA.root)
    if different := keys.agree(settings.DATA):
        return wrong(*different, keys.advice())
    say(_("Next: rasoat server run --data %s") % settings.DATA.root)
    return OK


def token_new(options: argparse.Namespace) -> int:
    unit = unit_named(options.unit)
    if unit is None or not 0 < options.hours <= 24 * 366:
        return USAGE if unit is None else wrong(_("--hours: more than 0, at most a year"))
    replaced = _machine(options.replaces) if options.replaces else None
    if options.replaces and replaced is None:
        return USAGE
    token, text = EnrolmentToken.issue(
        replaced.unit if replaced else unit, options.uses, options.hours, "console", options.note, options.approval, replaced
    )
    unit = token.unit
    journal.write(
        "token.new", "console", unit_path=unit.path, subject=token.public, unit=unit.name, uses=token.uses, hours=options.hours
    )
    if options.quiet:
        say(text)
        return OK
    until = timezone.localtime(token.expires_at).strftime("%Y-%m-%d %H:%M")
    say(
        _("Token for %(uses)d machines of %(unit)s, valid until %(until)s:")
        % {"uses": token.uses, "unit": unit.name, "until": until}
    )
    say(text)
    return OK


def token_list(options: argparse.Namespace) -> int:
    for token in EnrolmentToken.objects.select_related("unit"):
        until = timezone.localtime(token.expires_at).strftime("%Y-%m-%d %H:%M")
        say(f"{token.public}  {token.state:8}  {token.uses_left}/{token.uses}  {until}  {token.unit.name}  {token.note}".rstrip())
    return OK


def token_revoke(options: argparse.Namespace) -> int:
    token = EnrolmentToken.objects.select_related("unit").filter(public=options.public).first()
    if token is None:
        return wrong(_("no token %s") % options.public)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        journal.write("token.revoked", "console", unit_path=token.unit.path, subject=token.public)
    return OK


def user_new(options: argparse.Namespace) -> int:
    unit = unit_named(options.unit)
    if unit is None:
        return USAGE
    if User.objects.filter(username=User.normalize_username(options.username)).exists():
        return wrong(_("user %s exists already") % options.username)
    password = generate()
    user = User.objects.create_user(options.username, password, full_name=options.name, must_change=True)
    Membership.objects.create(user=user, unit=unit, role=options.role)
    journal.write("user.new", "console", unit_path=unit.path, subject=user.username, role=options.role)
    say(_("Password of %(user)s (shown this once): %(password)s") % {"user": user.username, "password": password})
    return OK


def user_grant(options: argparse.Namespace) -> int:
    user, unit = User.objects.filter(username=options.username).first(), unit_named(options.unit)
    if user is None:
        return wrong(_("no user %s") % options.username)
    if unit is None:
        return USAGE
    Membership.objects.filter(user=user, unit=unit, origin="").delete()
    if options.role != "none":
        Membership.objects.create(user=user, unit=unit, role=options.role, until=options.until)
    journal.write("user.rights", "console", unit_path=unit.path, subject=user.username, unit=unit.name, role=options.role)
    return OK


def user_reset(options: argparse.Namespace) -> int:
    user = User.objects.filter(username=options.username).first()
    if user is None:
        return wrong(_("no user %s") % options.username)
    linked = external(user)
    password = "" if linked else generate()
    if password:
        user.set_password(password)
    user.must_change, user.is_active = not linked, True
    user.save()
    SecondFactor.objects.filter(user=user).delete()
    sessions.end_all(user)
    call_command("axes_reset_username", user.username, verbosity=0)
    journal.write("user.reset", "console", subject=user.username)
    if linked:
        say(
            _("%s logs on with an account elsewhere, where its password is; the second factor is gone, the lock-out ended") % user
        )
        return OK
    say(_("Password of %(user)s (shown this once): %(password)s") % {"user": user.username, "password": password})
    return OK


def user_disable(options: argparse.Namespace) -> int:
    user = User.objects.filter(username=options.username).first()
    if user is None:
        return wrong(_("no user %s") % options.username)
    user.is_active = False
    user.save(update_fields=["is_active"])
    sessions.end_all(user)
    journal.write("user.disabled", "console", subject=user.username)
    return OK


def user_list(options: argparse.Namespace) -> int:
    for user in User.objects.order_by("username").prefetch_related("memberships__unit"):
        rights = ", ".join(f"{m.role} {m.unit.name}" + (f" ({m.origin})" if m.origin else "") for m in user.memberships.all())
        state = "" if user.is_active else _("(disabled)")
        say(f"{user.username}  {user.full_name}  {rights}  {state}".rstrip())
    return OK


def rejudge(options: argparse.Namespace) -> int:
    if not options.now:
        job = rejudging.enqueue(by="console", key="assess.rejudge/everything", everything=True)
        say(_("Job %(job)d; `rasoat server jobs show %(job)d` says how far it is.") % {"job": job.pk})
        return OK
    machines = Machine.objects.exclude(latest=None).select_related("unit", "latest").iterator(chunk_size=200)
    done, failed = judge.rejudge(machines)
    journal.write("assess.rejudged", "console", judged=done, failed=failed)
    say(_("%(done)d judged again, %(failed)d could not be judged") % {"done": done, "failed": failed})
    return FAILED if failed else OK


def whatif(options: argparse.Namespace) -> int:
    """Nothing is stored; what is proposed is held to the same rules as what is put in force."""
    unit = unit_named(options.unit)
    if unit is None:
        return USAGE
    if not (options.level or options.baseline or options.tailoring):
        return wrong(_("say what would be another: --level, --baseline or --tailoring"))
    try:
        proposal = _proposal(options)
        pack = proposal.baseline or packs.get(unit.policy().baseline)
        if proposal.tailoring and (problems := proposal.tailoring.problems(pack)):
            return wrong("\n".join(map(str, problems)))
        outlook = foresight.ask(unit, proposal, _progress)
    except (BaselineError, FileNotFoundError, ValueError) as error:
        return wrong(str(error))
    except (OSError, UnicodeDecodeError) as error:
        return wrong(f"{options.tailoring}: {getattr(error, 'strerror', None) or error}")
    text = foresight.render(outlook, options.format)
    if options.output:
        Path(options.output).write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    return FAILED if outlook.failed else OK


def _proposal(options: argparse.Namespace) -> foresight.Proposal:
    pack = None
    if options.baseline:
        pack = packs.get(options.baseline) if options.baseline in packs.names() else load(options.baseline)
    return foresight.Proposal(options.level, pack, _stricter(options.tailoring) if options.tailoring else None)


def _stricter(file: str) -> Tailoring:
    """`none`, or a file that says nothing: they are removed."""
    text = "" if file == "none" else Path(file).read_text("utf-8")
    return Tailoring.parse(text, file) if text.strip() else foresight.NO_STRICTER


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty() and (done == of or done % 50 == 0):
        sys.stderr.write(f"\r{done}/{of}" + ("\n" if done == of else ""))
        sys.stderr.flush()


def configurations_prune(options: argparse.Namespace) -> int:
    count = retention.prune()
    journal.write("configuration.pruned", "console", versions=count)
    say(_("%d old configuration versions removed") % count)
    return OK
