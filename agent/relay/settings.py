"""How a relay is set up: relay.yaml in its folder, written by `rasoat relay init`; and who it is, in relay.json beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent.errors import Refusal
from agent.language import _
from agent.state import State
from agent.station_plan import Window
from collectors.centre import Centre, CentreError

DEFAULT_FOLDER = Path("/var/lib/rasoat-relay")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
FILE, IDENTITY = "relay.yaml", "relay.json"

TEMPLATE = """\
# Where hosts find this relay. Anything but this machine itself needs a certificate.
host: "{host}"
port: {port}
certificate: "{certificate}"      # PEM, with its chain
private_key: "{private_key}"

# The way to the centre.
ca_file: "{ca_file}"              # the authority that signed the centre's certificate, if it is a private one
proxy: ""
bytes_per_second: 0               # most that is sent to the centre; 0: as fast as it goes
window: ""                        # such as 18:00-06:00: outside of it only the newest snapshot of each machine is sent

# Room for days without a line.
spool_mb: 2048
free_mb: 512                      # so much of the disk stays free in any case
"""


class Settings(BaseModel):
    """relay.yaml. A line nobody knows is an error, so that a misspelt one does not pass in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=False)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8341
    certificate: str = ""
    private_key: str = ""
    ca_file: str = ""
    proxy: str = ""
    bytes_per_second: Annotated[int, Field(ge=0)] = 0
    window: str = ""
    spool_mb: Annotated[float, Field(gt=0, le=1_000_000)] = 2048
    free_mb: Annotated[float, Field(ge=0, le=1_000_000)] = 512
    connections: Annotated[int, Field(ge=4, le=4096)] = 256
    report_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 300

    @field_validator("window")
    @classmethod
    def _times(cls, value: str) -> str:
        if value:
            Window.parse(value)
        return value

    @property
    def hours(self) -> Window | None:
        return Window.parse(self.window) if self.window else None


def load(folder: Path) -> Settings:
    """Raises Refusal with every mistake at once."""
    import yaml

    path = folder / FILE
    try:
        found = yaml.load(path.read_text("utf-8"), Loader=yaml.SafeLoader)
        settings = Settings.model_validate(found or {})
    except FileNotFoundError:
        settings = Settings()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refusal(f"{path}: {error}") from None
    except ValidationError as error:
        raise Refusal("\n".join(f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())) from None
    if not settings.certificate and settings.host not in LOOPBACK:
        raise Refusal(
            _("%s: without a certificate a relay listens on this machine alone. Name certificate and private_key.") % path
        )
    for name in ("certificate", "private_key", "ca_file"):
        if (value := getattr(settings, name)) and not Path(value).is_file():
            raise Refusal(_("%(place)s: %(name)s: there is no file %(file)s") % {"place": path, "name": name, "file": value})
    return settings


class Identity:
    """Who this relay is, and whose: what enrolment brought."""

    def __init__(self, state: State) -> None:
        found = state.sound(IDENTITY, "relay_id", "name", "unit", "url")
        if found is None and (state.folder / IDENTITY).exists():
            raise _damaged(state.folder)
        if not found or not state.key_file.exists():
            raise Refusal(_("there is no relay in %s yet. Run: rasoat relay init URL --token-file FILE") % state.folder)
        self.id, self.name, self.unit, self.url = (str(found[name]) for name in ("relay_id", "name", "unit", "url"))
        try:
            self.centre = Centre.parse(found.get("centre"))
        except CentreError:
            raise _damaged(state.folder) from None
        self.key = state.key()


def _damaged(folder: Path) -> Refusal:
    return Refusal(
        _(
            "%s is damaged. Remove it and the file `key` beside it, and run rasoat relay init with a new invitation; what waits here stays and is passed on."
        )
        % (folder / IDENTITY)
    )
