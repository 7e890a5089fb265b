"""A page as HTML. Every text is escaped, and nothing that would be obeyed reaches the reader's browser.

The file holds all that it needs: its style, its charts, its files. It has no script, and a policy in
its head forbids it to ask any machine for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crisis_sim.report.page.question import WHAT_IT_IS
from crisis_sim.scenario.printable import JOINERS, printable

if TYPE_CHECKING:
    from crisis_sim.report.page.blocks import Page

TEMPLATE, STYLE = "template.html.jinja", "style.css"


def render(page: Page) -> str:
    """The HTML of a page."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crisis_sim.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    style, _, _ = environment.loader.get_source(environment, STYLE)  # type: ignore[union-attr]
    return environment.get_template(TEMPLATE).render(page=page, style=style, what_it_is=WHAT_IT_IS)


def _shown(value: Any) -> Any:
    """A value without characters that steer what stands around it; markup of our own as it is."""
    if hasattr(value, "__html__"):
        return value
    return printable(str(value), also="\n" + JOINERS)
