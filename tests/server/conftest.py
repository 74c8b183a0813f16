from __future__ import annotations

import gettext
import os
import shutil
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real

from agent import language as speech
from tests.postgres import choose, database, postgres
from tests.server.people import PASSWORD, Host

__all__ = ["database", "postgres"]

HERE = Path(__file__).parent


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose(metafunc)


@pytest.fixture(scope="session", autouse=True)
def catalogs() -> None:
    """A source tree has no compiled catalogs; an install does (scripts/build_hook.py)."""
    import server

    for po in Path(server.__file__).parent.glob("locale/*/LC_MESSAGES/*.po"):
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.stat().st_mtime < po.stat().st_mtime:
            with po.open("rb") as source:
                catalog = read_po(source)
            fresh = mo.with_suffix(f".{os.getpid()}")
            with fresh.open("wb") as out:
                write_mo(out, catalog)
            fresh.replace(mo)  # test processes run side by side
    gettext._translations.clear()  # type: ignore[attr-defined]
    # Django has read what was there before, if a lazy text was shown while it was set up
    trans_real._translations.clear()
    trans_real._default = None


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory, django_db_blocker):
    """An SQLite file with all tables and no rows, to be copied."""
    from server.config import Config, Data
    from server.database import migrate
    from tests.postgres import using_collector

    data = Data(tmp_path_factory.mktemp("empty"))
    with django_db_blocker.unblock(), using_collector(data, Config()):
        migrate()
    return data.database


@pytest.fixture(autouse=True)
def left_as_it_was():
    """A command closes the umask and speaks a language; called inside this process, it does so to everybody who comes after."""
    before, language, agents = os.umask(0o022), translation.get_language(), speech.current()
    os.umask(before)
    yield
    os.umask(before)
    translation.activate(language)
    if speech.current() != agents:
        speech.choose(agents)


@pytest.fixture(autouse=True)
def mini_pack(settings):
    """The tests' own small pack, beside the real ones."""
    from server.assess import packs
    from server.config import Data

    settings.DATA = Data(HERE)
    packs.let_go()
    yield
    packs.let_go()


@pytest.fixture
def newer(settings, tmp_path: Path) -> str:
    """A second edition of the tests' pack."""
    from server.assess import packs
    from server.config import Data

    shutil.copytree(HERE / "packs", tmp_path / "packs")
    shutil.copytree(HERE / "packs" / "mini", tmp_path / "packs" / "mini2")
    standard = tmp_path / "packs" / "mini2" / "standard.yaml"
    standard.write_text(standard.read_text("utf-8").replace("mini", "mini2"), "utf-8")
    settings.DATA = Data(tmp_path)
    packs.forget()
    return "mini2"


@pytest.fixture
def tree(db):
    """Sở (root, level 2) with two departments."""
    from server.units.models import Unit

    root = Unit.objects.create(name="Sở", level=2, baseline="mini")
    return {
        "root": root,
        "north": Unit.objects.create(name="Phòng Bắc", parent=root),
        "south": Unit.objects.create(name="Phòng Nam", parent=root),
    }


@pytest.fixture
def land(client, tree):
    """Three provinces with their machines, of which a campaign asks something."""
    from tests.server.campaigns import Land

    return Land(client, tree["root"])


@pytest.fixture
def person(tree):
    """Makes a person with a role in a unit."""
    from server.units.models import Membership, User

    def make(name: str, unit: str = "root", role: str = Membership.VIEWER, **fields):
        user = User.objects.create_user(name, PASSWORD, **{"must_change": False, **fields})
        Membership.objects.create(user=user, unit=tree[unit], role=role)
        return user

    return make


@pytest.fixture
def admin(person):
    return person("quản-trị", role="admin")


@pytest.fixture
def as_admin(admin):
    client = Client()
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def token(tree):
    """Makes the text of an enrolment token."""
    from server.ingest.models import EnrolmentToken

    def make(unit: str = "root", uses: int = 1, hours: float = 1) -> str:
        return EnrolmentToken.issue(tree[unit], uses, hours, "test")[1]

    return make


@pytest.fixture
def host(client, token):
    """An enrolled machine."""
    found = Host()
    assert found.enrol(client, token()).status_code == 201
    return found


@pytest.fixture
def another(client, token):
    """Makes another enrolled machine."""

    def make(name: str, unit: str = "root", **fields) -> Host:
        found = Host(name=name, **fields)
        assert found.enrol(client, token(unit)).status_code == 201
        return found

    return make
