"""3,000 sessions at 50 threads against fake devices that refuse, page, hang up and answer late: how many outputs are wrong?

The same run as tests/test_transport_device.py::test_no_answer_is_wrong_under_load, ten times as long, with netmiko's defaults beside
it on a tenth of the sessions. Wrong: text came without an error, and it is not what the device holds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from measure import arguments, write  # noqa: E402
from ssh_sweep import COMMANDS, PASSWORD, answers, netmiko, rasoat  # noqa: E402

from collectors.errors import CollectError  # noqa: E402
from tests.fake_device import Fake, Fakes  # noqa: E402

DEVICES = 100


def fake(number: int, latency: float) -> Fake:
    name = f"R{number}"
    return Fake(
        name=name,
        answers=answers(name),
        latency=latency,
        greeting="" if number % 3 else f"\n*** {name} ***\n{name}#\n",
        page=20 if number % 4 == 0 else 0,
        paging_stays=number % 20 == 0,
        cut_in="show running-config" if number % 10 == 1 else "",
    )


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--sessions", type=int, default=3000)
    parser.add_argument("--threads", type=int, default=50)
    parser.add_argument("--latency", type=float, default=0.05)
    options = parser.parse_args(argv)
    result = {}
    with tempfile.TemporaryDirectory() as place, Fakes() as fakes:
        folder = Path(place)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        ports = fakes.start_all([fake(number, options.latency) for number in range(DEVICES)])
        fakes.known_hosts(folder / "known_hosts")
        for word, client, sessions in (
            ("rasoat", rasoat, options.sessions),
            ("netmiko defaults", netmiko, options.sessions // 10),
        ):

            def one(turn: int, client: object = client) -> str:
                number = turn % DEVICES
                assert callable(client)
                try:
                    said = client(ports[number], f"R{number}", folder)
                except CollectError as error:
                    return error.outcome
                except Exception:
                    return "error"
                held = answers(f"R{number}")
                right = all(text.strip() == held[command].strip() for text, command in zip(said, COMMANDS, strict=True))
                return "right" if right else "wrong"

            started = time.monotonic()
            with ThreadPoolExecutor(options.threads) as pool:
                ends = Counter(pool.map(one, range(sessions)))
            result[word] = {
                "sessions": sessions,
                "seconds": round(time.monotonic() - started, 1),
                "wrong": 0,
                **dict(sorted(ends.items())),
            }
            print(word, result[word], flush=True)
    figures = {"threads": options.threads, "latency_s": options.latency, **result}
    write("device_truth", figures, ("netmiko", "paramiko"), keep=not options.no_result)
    return int(bool(result["rasoat"]["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
