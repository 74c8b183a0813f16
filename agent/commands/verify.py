"""`rasoat verify`: an evidence bundle, checked offline line by line. Needs neither the collector nor a network."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import USAGE, Refusal
from agent.language import _, current

if TYPE_CHECKING:
    from baselines.evidence.check import Bundle, Trust


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE", help=_("the ZIP file that a collector made"))
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FINGERPRINT|FILE",
        help=_("key of the collector that is trusted, known from elsewhere; may be given several times"),
    )
    parser.add_argument(
        "--since",
        type=_day,
        metavar="YYYY-MM-DD",
        help=_("it was made on that day or later, else an older one was handed in again"),
    )
    parser.add_argument(
        "--timestamp-ca", metavar="FILE", help=_("certificates of time-stamping authorities that are trusted (PEM)")
    )
    parser.add_argument(
        "--journal", metavar="FILE", help=_("an export of the whole journal, in which the rows of the bundle must stand")
    )
    parser.add_argument(
        "--trust-pack",
        action="append",
        default=[],
        metavar="SHA256|FOLDER",
        help=_(
            "a pack that this program does not ship and that is trusted: its digest, or its folder; may be given several times"
        ),
    )
    parser.add_argument("--format", choices=("table", "json"), default="table", help=_("how to show the result (default: table)"))
    parser.epilog = _(
        "Exit codes: 0 everything holds, 1 something does not, 2 not a bundle or a usage error, 3 something could not be checked, such as whose the key is."
    )


def run(options: argparse.Namespace) -> int:
    import gc

    from baselines.evidence.check import NotABundle, plain, verify
    from baselines.evidence.lines import exit_code, sentence

    path = Path(options.bundle)
    trust = _trust(options)
    before = gc.get_threshold()
    gc.set_threshold(100_000)  # facts make many objects and no circles: looking for those took a quarter of the time
    try:
        found = verify(path, trust)
    except OSError as error:
        raise Refusal(_("%(file)s cannot be read: %(why)s") % {"file": error.filename or path, "why": error.strerror}) from None
    except NotABundle as error:
        _say_none(options.format, sentence("end", "no-bundle", current(), about=plain(path), why=str(error)))
        return USAGE
    finally:
        gc.set_threshold(*before)
    code = exit_code(found.lines)
    if options.format == "json":
        from agent.report.json import dumps

        print(dumps(_document(found, code)))
    else:
        _print(found, code)
    return code


def _trust(options: argparse.Namespace) -> Trust:
    from baselines.evidence.check import Trust
    from baselines.evidence.seal import NoKey, trusted

    keys = set()
    for given in options.key:
        try:
            keys.add(trusted(given))
        except NoKey:
            raise Refusal(_("--key %s: neither a fingerprint of 40 letters nor a file with an Ed25519 public key (PEM)") % given) from None  # fmt: skip
        except OSError as error:
            raise Refusal(_("--key %(key)s: neither a fingerprint of 40 letters nor a file that can be read: %(why)s") % {"key": given, "why": error.strerror}) from None  # fmt: skip
    packs = frozenset(map(_pack, options.trust_pack))
    return Trust(frozenset(keys), options.since, _file(options.timestamp_ca), _file(options.journal), packs)


def _pack(given: str) -> str:
    """The digest of a pack that is trusted."""
    from baselines.loader import BaselineError, load

    if len(given) == 64 and all(letter in "0123456789abcdefABCDEF" for letter in given):
        return given.lower()
    try:
        return load(Path(given)).digest
    except (BaselineError, OSError) as error:
        raise Refusal(_("--trust-pack %(pack)s: neither a digest of 64 letters nor the folder of a pack: %(why)s") % {"pack": given, "why": str(error).splitlines()[0]}) from None  # fmt: skip


def _file(name: str | None) -> Path | None:
    if name is None:
        return None
    path = Path(name)
    if not path.is_file():
        raise Refusal(_("%(file)s cannot be read: %(why)s") % {"file": path, "why": _("not a file")})
    return path


def _say_none(style: str, text: str) -> None:
    from agent.terminal import complain

    if style == "json":
        from agent.report.json import dumps

        print(dumps({"result": "not-a-bundle", "text": text, "lines": []}))
    complain(text)


def _print(found: Bundle, code: int) -> None:
    from agent.terminal import clean
    from baselines.evidence.lines import RESULTS, sentence, tally

    language = current()
    words = {outcome: sentence("outcome", outcome, language) for outcome in ("holds", "fails", "unchecked", "note")}
    width = max(map(len, words.values()))
    for line in found.lines:
        print(f"{words[line.outcome]:{width}}  {clean(line.text(language))}")
    print()
    print(sentence("end", "counts", language, **tally(found.lines)))
    print(sentence("end", RESULTS[code], language))


def _document(found: Bundle, code: int) -> dict[str, Any]:
    from baselines.evidence.lines import RESULTS, tally
    from collectors import VERSION

    manifest = found.manifest
    told = (
        manifest.model_dump(mode="json", include={"id", "made_at", "made_by", "program", "scope", "counts"}) if manifest else {}
    )
    return {
        "rasoat": VERSION,
        "result": RESULTS[code],
        "bundle": {**told, "key": found.fingerprint},
        "summary": tally(found.lines),
        "lines": [
            {"outcome": line.outcome, "code": line.code, "about": line.about, "detail": line.detail, "text": line.text(current())}
            for line in found.lines
        ],
    }


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(_("a day as YYYY-MM-DD")) from None
