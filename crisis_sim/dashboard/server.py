"""The dashboard's server, which sends no requests to other machines.

Solara serves the page. Its assets come from the package `solara-assets`, its telemetry is switched off, and a
Content-Security-Policy forbids browsers to send requests to other machines.
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

from crisis_sim.dashboard import REPLICATES, SCENARIO, SEED
from crisis_sim.scenario.errors import RequestError

if TYPE_CHECKING:
    from crisis_sim.dashboard.changes import Opened


#: Packages of the extra `dashboard`. They are not imported for the check, because Solara reads its settings on import.
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

#: Solara's settings; it reads them from the environment on import.
SOLARA = {
    "SOLARA_APP": "crisis_sim.dashboard.page",
    "SOLARA_MODE": "production",
    "SOLARA_TELEMETRY_MIXPANEL_ENABLE": "false",
    "SOLARA_ASSETS_PROXY": "true",  # the page requests assets from this server
    "SOLARA_ASSETS_FONTAWESOME_ENABLED": "false",
    "SOLARA_THEME_LOADER": "plain",
    "SOLARA_THEME_SHOW_BANNER": "false",
    "SOLARA_KERNEL_CULL_TIMEOUT": "12h",  # a machine may sleep; closed pages are removed at once
}
#: Folders that Solara and IPython would create in the user's home; they get a temporary folder.
HOMES = ("SOLARA_HOME", "IPYTHONDIR")
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src {own}; frame-ancestors 'none'; base-uri 'self'; form-action 'none'"
)
#: A host name without characters that have a meaning in a policy.
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?")
#: Path of Solara's assets in addresses.
ASSETS = "/_solara/cdn"
#: Solara's routes that are served: the page, its WebSocket, its closing and its static files. Others, such as Solara's
#: statistics about this machine (`/resourcez`), are private.
SERVED = frozenset(
    (
        *("/", "/jupyter/api/kernels/{kernel_id}/{name}", "/_solara/api/close/{kernel_id}"),
        *("/static/assets", "/jupyter/nbextensions"),
    )
)
#: Exit code after SIGTERM, by the convention of shells.
TERMINATED = 128 + signal.SIGTERM
#: Maximum number of connections that wait for the server to start.
BACKLOG = 128

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Settings:
    """Initial scenario, number of crises and seed of each session."""

    opened: Opened
    replicates: int = REPLICATES
    seed: int = SEED


_settings: list[Settings] = []


def initial_settings() -> Settings:
    """Return the settings of new sessions; by default those of `SCENARIO`."""
    from crisis_sim.dashboard.changes import open_reference

    return _settings[0] if _settings else Settings(open_reference(SCENARIO))


class DashboardError(RequestError):
    """The dashboard cannot be served; the message gives the reason and a remedy."""


def check_installed() -> None:
    """Check that all required packages are installed.

    Raises:
        DashboardError: if a package is missing.
    """
    for name in NEEDED:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            raise DashboardError(
                f"the dashboard needs the package {name}, which is not installed; to install it: {INSTALL}"
            ) from None


def is_loopback(host: str) -> bool:
    """Return True for an address that only this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, on any free port if `port` is 0.

    Raises:
        DashboardError: if the address is not an address of this machine, or the port is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
        listening.listen(BACKLOG)  # browsers wait from now on, while Solara is imported
    except (OSError, OverflowError) as error:
        listening.close()
        message = getattr(error, "strerror", None) or error
        raise DashboardError(
            f"cannot listen on {host}, port {port}: {message}; choose another with --host or --port, "
            "or any free port with --port 0"
        ) from None
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address for a browser."""
    host, port = listening.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/"


def serve(settings: Settings, listening: socket.socket, browser: bool) -> None:
    """Serve on a socket (see `listen`) until interrupted.

    Raises:
        DashboardError: if Solara's assets are not installed.
        KeyboardInterrupt: on Ctrl-C.
    """
    _settings[:] = [settings]
    set_up_solara()
    # Imported before there are threads, because two threads must not import it at the same time.
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
    """Set Solara's settings; Solara must not have been imported yet."""
    home = mkdtemp(prefix="crisis-sim-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update({**SOLARA, **dict.fromkeys(HOMES, home)})
    # Solara prefers a cookie that frames of other sites can use; ours cannot (`_with_policy`).
    warnings.filterwarnings("ignore", message="Cookies with samesite=none")


def application(loopback: str | None) -> Asgi:
    """Return Solara's application with local assets, behind `Guard`.

    Args:
        loopback: the loopback address of the server; None if other machines may connect.

    Raises:
        DashboardError: if Solara's assets are not installed.
    """
    from solara.server import settings
    from solara.server.starlette import lifespan, middleware, routes
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    folder = settings.assets.proxy_cache_dir
    if not any(folder.glob("@widgetti/solara-vuetify-app@*")):
        raise DashboardError(f"solara-assets is missing; to install it: {INSTALL}")
    assets = Mount(ASSETS, app=StaticFiles(directory=folder))
    served = [assets, *(route for route in routes if route.path in SERVED)]
    return Guard(Starlette(routes=served, lifespan=lifespan, middleware=middleware), loopback)


class Guard:
    """Accepts only requests from pages of this server, addressed to its names.

    Otherwise, a page of another site could reach a server on the loopback address through the user's browser: by a
    WebSocket, or by a host name that resolves to that address.
    """

    def __init__(self, app: Asgi, loopback: str | None) -> None:
        self.app = app
        self.names = None if loopback is None else {"localhost", loopback, f"[{loopback}]"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif self._is_allowed(headers := dict(scope["headers"])):
            await self.app(scope, receive, _with_policy(send, _host(headers)))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send(
                {"type": "http.response.body", "body": b"this host name or origin is not allowed"}
            )

    def _is_allowed(self, headers: dict[bytes, bytes]) -> bool:
        host = _host(headers)
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and urlsplit(origin).netloc != host:
            return False
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        return self.names is None or name in self.names


def policy(host: str) -> str:
    """Return the Content-Security-Policy of a page requested by this host name: requests go to this server only."""
    # For older browsers, 'self' does not include WebSockets.
    sockets = f" ws://{host} wss://{host}" if _PLAIN_HOST.fullmatch(host) else ""
    return POLICY.format(own=f"'self'{sockets}")


def _host(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"host", b"").decode("latin-1")


def _with_policy(send: Send, host: str) -> Send:
    """Add the policy to responses, and hide their cookies from scripts and requests of other sites."""

    async def send_with_policy(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (b"content-security-policy", policy(host).encode()),
                (b"x-content-type-options", b"nosniff"),
                (b"referrer-policy", b"no-referrer"),
            ]
            for name, value in message.get("headers", ()):
                if name.lower() == b"set-cookie":
                    replaced = (b"httponly", b"samesite")
                    parts = [
                        part for part in value.split(b"; ") if not part.lower().startswith(replaced)
                    ]
                    value = b"; ".join((*parts, b"HttpOnly", b"SameSite=Strict"))  # noqa: PLW2901
                headers.append((name, value))
            message = {**message, "headers": headers}
        await send(message)

    return send_with_policy
