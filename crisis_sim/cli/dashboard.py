"""`crisis-sim dashboard`: sliders in a browser."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from crisis_sim.cli.app import One, Overrides, Seed, app
from crisis_sim.cli.codes import DONE
from crisis_sim.cli.talk import refuse, talk
from crisis_sim.dashboard.settings import FEWEST, HOST, MOST, PORT, REPLICATES, SCENARIO


@app.command
def dashboard(
    scenario: One = SCENARIO,
    /,
    *,
    replicates: Annotated[
        int,
        Parameter(
            help="Crises to run at each move of a slider.", validator=Number(gte=FEWEST, lte=MOST)
        ),
    ] = REPLICATES,
    seed: Seed = 1,
    overrides: Overrides = None,
    host: Annotated[
        str,
        Parameter(help="Address to listen on; only this machine can reach the one given here."),
    ] = HOST,
    port: Annotated[
        int, Parameter(help="Port to listen on; 0 for any.", validator=Number(gte=0, lte=65_535))
    ] = PORT,
    no_browser: Annotated[
        bool,
        Parameter(name="--no-browser", help="Open no browser.", negative=(), show_default=False),
    ] = False,
) -> int:
    """Move sliders in a browser and see at once what changes: ceasefires, endings, differences.

    Needs the extra `dashboard`: pip install 'crisis-sim[dashboard]'. Nothing leaves this machine.
    """
    from crisis_sim.dashboard.opened import open_reference
    from crisis_sim.dashboard.server import (
        DashboardError,
        address_of,
        check_installed,
        is_loopback,
        listen,
        serve,
    )
    from crisis_sim.dashboard.settings import Settings

    try:
        check_installed()
        settings = Settings(open_reference(scenario, overrides or ()), replicates, seed)
        listening = listen(host, port)
    except DashboardError as error:
        return refuse(f"error: {error}")
    if not is_loopback(host):
        talk(
            f"warning: {host} can be reached from other machines. Whoever reaches it can run "
            "scenarios here and read this one; there is no password."
        )
    talk(f"dashboard: {address_of(listening)} (Ctrl-C ends it)")
    try:
        serve(settings, listening, browser=not no_browser)
    except DashboardError as error:
        return refuse(f"error: {error}")
    except KeyboardInterrupt:  # the way to end it
        talk("closed")
    return DONE
