"""200 simulated network devices, 50 ms a command: rasoat's sessions beside netmiko's defaults and bare paramiko, in one run.

Each asks three commands (17 KB) of each device with 25 threads; the devices live in a process of their own and send letters
back in their turn, as IOS does, because with letters sent back at once (`--echo tty`) netmiko's defaults give swapped answers and
have no time to be compared with. Answers are compared with what the device holds: a fast client that is wrong is none.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from measure import arguments, write  # noqa: E402

COMMANDS = ("show version", "show privilege", "show running-config")
PASSWORD = "Kh0ng-Doan"


def answers(name: str) -> dict[str, str]:
    body = "".join(
        f"interface Vlan{number}\n description {name}-{number}\n ip address 10.0.{number % 250}.1 255.255.255.0\n!\n"
        for number in range(220)
    )
    return {
        "show version": f"Cisco IOS Software, C2960X Software, Version 15.2(7)E3, RELEASE SOFTWARE (fc3)\n{name} uptime is 1 day\n",
        "show privilege": "Current privilege level is 15\n",
        "show running-config": f"version 15.2\nhostname {name}\nno aaa new-model\n{body}line con 0\nline vty 0 4\n login\nend\n",
    }


def serve(count: int, latency: float, echo: Any, known_hosts: str) -> None:
    """The devices; prints their ports and stays until its standard input ends."""
    from tests.fake_device import Fake, Fakes

    with Fakes() as fakes:
        ports = fakes.start_all(
            [Fake(name=f"R{number}", answers=answers(f"R{number}"), latency=latency, echo=echo) for number in range(count)]
        )
        fakes.known_hosts(Path(known_hosts))
        print(json.dumps(ports), flush=True)
        sys.stdin.read()


def rasoat(port: int, name: str, folder: Path) -> list[str]:
    from collectors.catalog import device_os
    from collectors.credential import Credential
    from collectors.devices.witness import DeviceWitness
    from collectors.model import Platform, Target
    from collectors.transports.device import DeviceSession

    os_ = device_os(Platform.CISCO_IOS)
    target = Target(name=name, via="ssh", address="127.0.0.1", port=port, credential="c")
    credential = Credential(user="rasoat", password_file=str(folder / "password"))
    with DeviceSession.connect(target, credential, folder / "known_hosts", os_, also_known=(), timeout=120.0) as session:
        witness = DeviceWitness(session, os_)
        return [witness.ask(command, timeout=120) for command in COMMANDS]


def netmiko(port: int, name: str, folder: Path) -> list[str]:
    from netmiko import ConnectHandler

    with ConnectHandler(
        device_type="cisco_ios", host="127.0.0.1", port=port, username="rasoat", password=PASSWORD, conn_timeout=120, auth_timeout=120,
        banner_timeout=120,
    ) as session:  # fmt: skip
        return [str(session.send_command(command, read_timeout=120)) for command in COMMANDS]


def paramiko(port: int, name: str, folder: Path) -> list[str]:
    import paramiko as library

    client = library.Transport(socket.create_connection(("127.0.0.1", port), 120))
    client.banner_timeout = client.auth_timeout = client.handshake_timeout = 120
    client.start_client(timeout=120)
    client.auth_password("rasoat", PASSWORD)
    channel = client.open_session()
    channel.get_pty(width=511)
    channel.invoke_shell()
    prompt = re.compile(rf"(?:^|\n){name}#\Z")

    def until() -> str:
        parts, tail = [], ""
        while not prompt.search(tail):
            parts.append(channel.recv(65536).decode("utf-8", "replace"))
            tail = (tail + parts[-1])[-200:]
        return "".join(parts).replace("\r", "")

    until()
    said = []
    for command in ("terminal length 0", "terminal width 511", *COMMANDS):
        channel.sendall(f"{command}\n".encode())
        said.append(until().partition("\n")[2].rpartition("\n")[0] + "\n")
    client.close()
    return said[2:]


def sweep(client: Callable[[int, str, Path], list[str]], ports: list[int], threads: int, folder: Path) -> dict[str, Any]:
    wrong = errors = 0

    def one(number: int) -> str:
        try:
            said = client(ports[number], f"R{number}", folder)
        except Exception:
            return "error"
        wanted = answers(f"R{number}")
        return "right" if all(a.strip() == wanted[c].strip() for a, c in zip(said, COMMANDS, strict=True)) else "wrong"

    wall, cpu = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        ends = list(pool.map(one, range(len(ports))))
    wrong, errors = ends.count("wrong"), ends.count("error")
    return {"wall_s": time.monotonic() - wall, "cpu_s": time.process_time() - cpu, "wrong": wrong, "errors": errors}


def main(argv: list[str] | None = None) -> int:
    parser = arguments(__doc__)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--threads", type=int, default=25)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--echo", choices=("line", "tty"), default="line")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    if options.serve:
        serve(options.devices, options.latency, options.echo, options.serve)
        return 0
    clients = {"rasoat": rasoat, "netmiko defaults": netmiko, "bare paramiko": paramiko}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        command = [
            sys.executable,
            __file__,
            "--serve",
            str(folder / "known_hosts"),
            "--devices",
            str(options.devices),
            "--latency",
            str(options.latency),
            "--echo",
            options.echo,
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ) as devices:
            assert devices.stdout
            assert devices.stdin
            ports = json.loads(devices.stdout.readline())
            for client in clients.values():
                sweep(client, ports[:5], 5, folder)  # imports
            rounds = [
                {word: sweep(client, ports, options.threads, folder) for word, client in clients.items()}
                for _ in range(options.rounds)
            ]
            devices.stdin.close()
    result = {
        word: {
            "wall_s": round(statistics.median(one[word]["wall_s"] for one in rounds), 2),
            "cpu_s": round(statistics.median(one[word]["cpu_s"] for one in rounds), 2),
            "wrong": sum(one[word]["wrong"] for one in rounds),
            "errors": sum(one[word]["errors"] for one in rounds),
        }
        for word in clients
    }
    own = result["rasoat"]["wall_s"]
    for word, row in result.items():
        print(
            f"{word:17} {row['wall_s']:7.2f} s  {row['cpu_s']:6.2f} s CPU  {row['wall_s'] / own:4.2f} of rasoat's  wrong {row['wrong']}  errors {row['errors']}"
        )
    write(
        "ssh_sweep",
        {"devices": options.devices, "threads": options.threads, "latency_s": options.latency, "echo": options.echo, **result},
        ("netmiko", "paramiko"),
        keep=not options.no_result,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
