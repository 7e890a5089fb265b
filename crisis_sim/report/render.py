"""The Jinja environment of `templates/`: pages in HTML, the story of a replay in Markdown."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from crisis_sim import text

if TYPE_CHECKING:
    import jinja2


@cache
def environment() -> jinja2.Environment:
    """Templates with `text` at hand. In HTML every text is escaped; nothing in any of them steers what shows it."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crisis_sim.report"),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.globals["text"] = text
    return environment


def _printable(value: Any) -> Any:
    """A value without characters that steer what stands around it; markup of our own as it is."""
    return value if hasattr(value, "__html__") else text.printable_lines(str(value))
