"""`rasoat server views ...`"""

from __future__ import annotations

import argparse
import sys

from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from server import database
from server.analysts import granting, making
from server.analysts.definitions import PREFIX, SCHEMA, views
from server.journal import models as journal
from server.terminal import FAILED, OK, say, wrong


def make(options: argparse.Namespace) -> int:
    database.unhurried()
    try:
        count = making.make(connection)
    except DatabaseError as error:
        return _failed(error)
    journal.write("views.made", "console", subject=SCHEMA, views=count)
    where = SCHEMA if connection.vendor == "postgresql" else f"{PREFIX}..."
    say(_("%(count)d views made: %(where)s") % {"count": count, "where": where})
    return OK


def drop(options: argparse.Namespace) -> int:
    if making.wanted(connection):
        try:
            making.drop(connection, forget=True)
        except DatabaseError as error:
            return _failed(error)
        journal.write("views.dropped", "console", subject=SCHEMA)
    return OK


def listed(options: argparse.Namespace) -> int:
    for view in views():
        say(f"{view.full_name(connection.vendor)}: {view.about}")
        for name, (_sql, about) in view.columns.items():
            say(f"    {name:22}  {about}")
    return OK


def grant(options: argparse.Namespace) -> int:
    """Exit code 1 when the role can read something else as well."""
    if connection.vendor != "postgresql":
        return wrong(_("SQLite has no roles: whoever can open the file reads all of it"))
    if not making.wanted(connection):
        return wrong(_("there are no views yet; make them with: rasoat server views make"))
    if granting.own(options.role):
        return wrong(
            _("%s is the collector's own role, or one that owns something: it would only read from then on; name another one")
            % options.role
        )
    new = not granting.exists(options.role)
    try:
        found = granting.statements(options.role, *granting.about(), new=new)
    except ValueError:
        return wrong(_("a role is named with small letters without accents, digits and _"))
    if not options.execute:
        say(";\n".join(found) + ";")
        return OK
    try:
        granting.carry_out(found)
    except DatabaseError as error:
        sys.stderr.write(_("nothing was changed; have the database's administrator run:") + "\n" + ";\n".join(found) + ";\n")
        return _failed(error)
    journal.write("views.granted", "console", subject=options.role)
    if more := granting.sees_more(options.role):
        wrong(
            _("the role %(role)s can read more than the views: %(tables)s")
            % {"role": options.role, "tables": ", ".join(more[:10])}
        )
        return FAILED
    if new:
        say(
            _("Role %(role)s made. It has no password yet: in psql, as administrator, \\password %(role)s")
            % {"role": options.role}
        )
    return OK


def _failed(error: DatabaseError) -> int:
    wrong(str(error).strip())
    return FAILED
