"""The dashboard's server on this machine; it fetches nothing from elsewhere and reports nothing.

Solara serves the page. Its assets come from the package `solara-assets`, its reports of use are switched off, and a
browser is told (by a Content-Security-Policy) to ask no other machine for anything.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import sys
import warnings
import webbrowser
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from importlib import metadata
from ipaddress import ip_address
from tempfile import mkdtemp
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crisis_sim.scenario.errors import RequestError

if TYPE_CHECKING:
    from crisis_sim.dashboard.changes import Opened


#: The default scenario, replicates and seed.
SCENARIO, REPLICATES, SEED = "may_2025", 4_000, 1
#: The loopback address: no other machine can reach it.
HOST, PORT = "127.0.0.1", 8765
#: Crises of each scenario: as few as still have an interval, as many as one waits for.
FEWEST, MOST = 100, 100_000

#: What the extra `dashboard` brings. Looked for by name: Solara takes its settings when it is imported.
NEEDED = (
    "solara-server",
    "solara-ui",
    "solara-assets",
    "ipyvue",
    "ipyvuetify",
    "starlette",
    "uvicorn",
)
INSTALL = "pip install 'crisis-sim[dashboard]'"

#: How Solara is to be. It reads its settings from the environment when it is first imported.
SOLARA = {
    "SOLARA_APP": "crisis_sim.dashboard.page",
    "SOLARA_MODE": "production",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
    "SOLARA_ASSETS_PROXY": "true",  # so that the page asks this machine, which has them
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "false",
    "SOLARA_THEME_LOADER": "plain",
    "SOLARA_THEME_SHOW_BANNER": "false",
    "SOLARA_KERNEL_CULL_TIMEOUT": "12h",  # a machine may sleep; a page that is closed is forgotten at once
}
#: Folders that Solara and IPython would make in a person's home; they get one that is gone afterwards.
HOMES = ("SOLARA_HOME", "IPYTHONDIR")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src {own}; frame-ancestors 'none'; base-uri 'self'; form-action 'none'"
)
#: A host that may be named in a policy: nothing in it ends a rule or begins another.
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")
#: Where Solara looks for its assets, in the address.
ASSETS = "/_solara/cdn"
#: What of Solara is served: the page, its WebSocket, its goodbye, and what it is drawn with. All else that
#: Solara answers, such as its figures on this machine (`/resourcez`), is nobody's business.
SERVED = frozenset(
    (
        *("/", "/jupyter/api/kernels/{kernel_id}/{name}", "/_solara/api/close/{kernel_id}"),
        *("/static/assets", "/jupyter/nbextensions"),
    )
)
#: The exit code after a request to terminate: 128 and the signal's number, as shells have it.
TERMINATED = 128 + signal.SIGTERM
#: Requests that may wait for the server to be up.
BACKLOG = 128

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Settings:
    """What each session begins with: a scenario, and how many crises of it with which luck."""

    opened: Opened
    replicates: int = REPLICATES
    seed: int = SEED


_given: list[Settings] = []


def given() -> Settings:
    """What new sessions begin with; the first shipped case where nothing was set."""
    from crisis_sim.dashboard.changes import open_reference

    return _given[0] if _given else Settings(open_reference(SCENARIO))


class DashboardError(RequestError):
    """The dashboard cannot be served; the message says why, and what would help."""


def check_installed() -> None:
    """Make sure that all that is needed is installed.

    Raises:
        DashboardError: naming what is missing and how to install it.
    """
    for name in NEEDED:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            raise DashboardError(
                f"the dashboard needs Solara, of which {name} is missing; to install it: {INSTALL}"
            ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; on any free port where 0 is asked for.

    Raises:
        DashboardError: when the address is no address here, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host.strip("[]"), port))
        found.listen(BACKLOG)  # so that a browser waits from now on, while Solara is imported
    except (OSError, OverflowError) as error:
        found.close()
        message = getattr(error, "strerror", None) or error
        raise DashboardError(
            f"cannot listen on {host}, port {port}: {message}; give another with --host or --port, "
            "or --port 0 for any that is free"
        ) from None
    return found


def address_of(listening: socket.socket) -> str:
    """The address to type into a browser."""
    host, port = listening.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/"


def serve(settings: Settings, listening: socket.socket, browser: bool) -> None:
    """Serve on a socket (`listen`) until interrupted.

    Raises:
        DashboardError: when Solara's assets are not installed.
        KeyboardInterrupt: on Ctrl-C.
    """
    _given[:] = [settings]
    set_up_solara()
    # Whole before there are threads: two that began to import it at once would each find a half of it.
    import pandas as pd  # noqa: F401
    import uvicorn

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    host = listening.getsockname()[0]
    app = application(host if is_loopback(host) else None)
    if browser:
        opening = [address_of(listening)]
        Thread(target=webbrowser.open, args=opening, daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


def set_up_solara() -> None:
    """Make Solara's settings; it must not have been imported yet."""
    home = mkdtemp(prefix="crisis-sim-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update({**SOLARA, **dict.fromkeys(HOMES, home)})
    # Solara would rather have its cookie go along into frames of other sites; ours does not (`_with_policy`).
    warnings.filterwarnings("ignore", message="Cookies with samesite=none")


def application(loopback: str | None) -> Asgi:
    """Solara's application with its assets from this machine alone, behind `Guard`.

    Args:
        loopback: the loopback address that is listened on; None where others may come, too.

    Raises:
        DashboardError: when Solara's assets are not installed.
    """
    from solara.server import settings as of_solara
    from solara.server.starlette import lifespan, middleware, routes
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    folder = of_solara.assets.proxy_cache_dir
    if not any(folder.glob("@widgetti/solara-vuetify-app@*")):
        raise DashboardError(f"solara-assets is missing; to install it: {INSTALL}")
    assets = Mount(ASSETS, app=StaticFiles(directory=folder))
    served = [assets, *(route for route in routes if route.path in SERVED)]
    return Guard(Starlette(routes=served, lifespan=lifespan, middleware=middleware), loopback)


class Guard:
    """Lets in only pages of this server, and only by its own names.

    A page elsewhere on the web could otherwise reach a server on the loopback address through the
    browser of who opened it: by a WebSocket, or by a name of its own that leads here.
    """

    def __init__(self, app: Asgi, loopback: str | None) -> None:
        self.app = app
        self.names = None if loopback is None else {"localhost", loopback, f"[{loopback}]"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif self._is_welcome(headers := dict(scope["headers"])):
            await self.app(scope, receive, _with_policy(send, _host(headers)))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send(
                {"type": "http.response.body", "body": b"not by this name, or not from there"}
            )

    def _is_welcome(self, headers: dict[bytes, bytes]) -> bool:
        host = _host(headers)
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and urlsplit(origin).netloc != host:
            return False
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return self.names is None or name in self.names


def policy(host: str) -> str:
    """The Content-Security-Policy of a page asked for by this host name: requests go to this server only."""
    # Older browsers do not take a WebSocket to where the page came from for 'self'.
    named = f" ws://{host} wss://{host}" if _PLAIN_HOST.fullmatch(host) else ""
    return POLICY.format(own=f"'self'{named}")


def _host(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"host", b"").decode("latin-1")


def _with_policy(send: Send, host: str) -> Send:
    """Answers with the policy, and with cookies for this server alone: no script reads them, no other site sends them."""

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (b"content-security-policy", policy(host).encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"referrer-policy", b"no-referrer"),
            ]
            for name, value in message.get("headers", ()):
                if name.lower() == b"set-cookie":
                    loose = (b"httponly", b"samesite")
                    parts = [one for one in value.split(b"; ") if not one.lower().startswith(loose)]
                    value = b"; ".join((*parts, b"HttpOnly", b"SameSite=Strict"))  # noqa: PLW2901
                headers.append((name, value))
            message = {**message, "headers": headers}
        await send(message)

    return sent
