from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from crisis_sim.cli import DONE, MISTAKE
from crisis_sim.dashboard import server
from crisis_sim.dashboard.server import (
    DashboardError,
    Guard,
    address_of,
    is_loopback,
    listen,
    policy,
)
from tests.conftest import Cli
from tests.dashboard.conftest import ROOT, write_quarrel

Answer = list[MutableMapping[str, Any]]


async def app(scope: Any, receive: Any, send: Callable[[Any], Any]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": b"the page"})


def ask(guard: Guard, kind: str = "http", **headers: str) -> Answer:
    """What a guard answers to a request with these headers."""
    sent: Answer = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {}

    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    answering = guard({"type": kind, "headers": given}, receive, send)
    # In a thread of its own: where a browser was driven before, a loop is running in this one.
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, answering).result()
    return sent


HERE, EVIL = "127.0.0.1:8765", "evil.example"


@pytest.mark.parametrize(
    ("loopback", "kind", "headers", "welcome"),
    [
        ("127.0.0.1", "http", {"host": HERE}, True),
        ("127.0.0.1", "http", {"host": "localhost:8765"}, True),
        ("127.0.0.1", "http", {"host": "127.0.0.1"}, True),
        ("127.0.0.1", "http", {"host": f"{EVIL}:8765"}, False),
        ("127.0.0.1", "http", {"host": ""}, False),
        ("127.0.0.1", "http", {"host": f"127.0.0.1.{EVIL}"}, False),
        ("127.0.0.1", "websocket", {"host": HERE, "origin": f"http://{HERE}"}, True),
        ("127.0.0.1", "websocket", {"host": HERE, "origin": f"https://{EVIL}"}, False),
        ("127.0.0.1", "websocket", {"host": HERE, "origin": "http://127.0.0.1:9000"}, False),
        (None, "http", {"host": "lab.example:80"}, True),
        (None, "http", {"host": "lab.example:80", "origin": f"https://{EVIL}"}, False),
    ],
)
def test_only_requests_from_this_server_to_its_names_are_accepted(
    loopback: str | None, kind: str, headers: dict[str, str], welcome: bool
) -> None:
    start, *_ = answer = ask(Guard(app, loopback), kind, **headers)
    if welcome:
        assert (start["status"], answer[1]["body"]) == (200, b"the page")
        sent = dict(start["headers"])
        assert sent[b"content-security-policy"].decode() == policy(headers["host"])
        assert sent[b"x-own"] == b"1"
    elif kind == "websocket":
        assert answer == [{"type": "websocket.close", "code": 1008}]
    else:
        assert start["status"] == 403


@pytest.mark.parametrize("host", [HERE, "lab.example"])
def test_the_policy_forbids_requests_to_other_machines(host: str) -> None:
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy(host).split(";")}
    assert rules["default-src"] == ["'self'"]
    assert rules.pop("connect-src") == ["'self'", f"ws://{host}", f"wss://{host}"]
    for words in rules.values():
        assert all(word.startswith("'") or word == "data:" for word in words)


@pytest.mark.parametrize("host", ["", "*", "lab; script-src *", "lab *", "[::1]:8765", "a\nb"])
def test_host_names_with_special_characters_are_not_added_to_the_policy(host: str) -> None:
    assert "; connect-src 'self'; " in policy(host)


@pytest.mark.parametrize(
    "given", ["a=b", "a=b; Path=/; SameSite=none; Secure", "a=b; httponly; samesite=lax; Path=/"]
)
def test_cookies_are_hidden_from_scripts_and_other_sites(given: str) -> None:
    async def baker(scope: Any, receive: Any, send: Callable[[Any], Any]) -> None:
        headers = [(b"set-cookie", given.encode()), (b"set-cookie", b"c=d")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    (start,) = ask(Guard(baker, "127.0.0.1"), host="127.0.0.1:8765")
    cookies = [value.decode() for name, value in start["headers"] if name == b"set-cookie"]
    assert [cookie.split("; ")[0] for cookie in cookies] == ["a=b", "c=d"]
    for cookie in cookies:
        parts = [part.lower() for part in cookie.split("; ")]
        assert parts.count("httponly") == 1
        assert [part for part in parts if part.startswith("samesite")] == ["samesite=strict"]
        assert ("secure" in parts) == ("Secure" in given and cookie.startswith("a"))


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("lab", False)],  # noqa: S104
)
def test_only_the_loopback_address_is_this_machines_own(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_the_address_is_reachable_and_a_port_in_use_is_reported() -> None:
    with closing(listen("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert address_of(listening) == f"http://127.0.0.1:{port}/"
        with closing(socket.create_connection(("127.0.0.1", port), timeout=5)):
            pass  # whoever comes before the server is up can wait
        told = rf"cannot listen on 127.0.0.1, port {port}: .*--port 0"
        with pytest.raises(DashboardError, match=told):
            listen("127.0.0.1", port)


@pytest.mark.slow
def test_solara_serves_the_page_only_without_telemetry_or_leftover_files(tmp_path: Path) -> None:
    code = """
import os
from pathlib import Path
from crisis_sim.dashboard import server
server.check_installed()
server.set_up_solara()
served = server.application("127.0.0.1").app.routes
from solara.server import settings
print(settings.telemetry.mixpanel_enable, settings.theme.show_banner, os.environ["SOLARA_HOME"])
print(*sorted(route.path for route in served), sep="\\n")
"""
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", code]
    said = subprocess.run(command, env=home, capture_output=True, text=True, check=True).stdout
    telemetry, banner, solara_home, *served = said.split()
    assert served == sorted({server.ASSETS, *server.SERVED})
    assert (telemetry, banner) == ("False", "False")
    assert not Path(solara_home).exists()
    assert list(tmp_path.glob(".[si]*")) == []


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[server.Settings, bool]]:
    """What the command would serve, and whether a browser would be opened."""
    calls: list[tuple[server.Settings, bool]] = []

    def serve(given: server.Settings, listening: socket.socket, browser: bool) -> None:
        listening.close()
        calls.append((given, browser))

    monkeypatch.setattr(server, "serve", serve)
    return calls


def test_the_command_serves_the_given_scenario(cli: Cli, served: list[Any]) -> None:
    quarrel = write_quarrel(Path())
    given = "--replicates 500 --seed 7 --port 0 --no-browser --set"
    change = "mediators.elder.attention_threshold=0.3"
    result = cli("dashboard", quarrel, *given.split(), change)
    assert (result.code, result.out) == (DONE, "")
    ((found, browser),) = served
    assert (found.opened.scenario.title, found.replicates, found.seed) == ("A quarrel", 500, 7)
    assert found.opened.scenario.mediators["elder"].attention_threshold == 0.3
    assert not browser
    assert result.err.startswith("dashboard: http://127.0.0.1:")
    assert "warning" not in result.err


def test_the_command_has_defaults_and_warns_of_other_machines(cli: Cli, served: list[Any]) -> None:
    result = cli("dashboard", "--port", "0", "--host", "0.0.0.0")  # noqa: S104
    assert result.code == DONE
    assert "warning: 0.0.0.0 can be reached from other machines" in result.err
    ((found, browser),) = served
    assert found.opened.scenario.name == server.SCENARIO
    assert found == server.Settings(found.opened)
    assert browser


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: error: no such file, nor a shipped scenario"),
        (["--port", "70000"], "--port"),
        (["--set", "mediators.us.leverage.india=9"], "--set:1:29: error: out of range: 9"),
        (["--set", "mediators.uss=null"], "did you mean 'us'"),
        (["--replicates", "3"], "--replicates"),
        (["--host", "256.1.1.1"], "error: cannot listen on 256.1.1.1"),
    ],
)
def test_mistakes_in_the_command_are_reported(
    cli: Cli, served: list[Any], arguments: list[str], told: str
) -> None:
    result = cli("dashboard", *arguments)
    assert result.code == MISTAKE
    assert told in result.out + result.err
    assert "Traceback" not in result.out + result.err
    assert served == []


def test_a_missing_package_is_reported(
    cli: Cli, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name == "solara-ui":
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(server.metadata, "version", version)
    result = cli("dashboard")
    assert result.code == MISTAKE
    assert result.err.strip() == (
        "error: the dashboard needs the package solara-ui, which is not installed; "
        "to install it: pip install 'crisis-sim[dashboard]'"
    )
