"""A story's Markdown as HTML, fit to stand within a page."""

from __future__ import annotations

from markdown_it import MarkdownIt

#: Levels by which a story's headings move down: its title is left out, and its chapters come below the page's own.
_DEEPER = 2
#: All that stories are made of. Neither links nor pictures nor HTML are among it, whatever a scenario's texts hold.
_RULES = ("heading", "list", "emphasis", "escape", "entity")


def story_html(story: str) -> str:
    """A story as HTML, without its title.

    Args:
        story: Markdown, as `crisis_sim.report.tell` gives it.
    """
    markdown = MarkdownIt("zero", {"html": False}).enable(list(_RULES))
    _, _, body = story.partition("\n")
    tokens = markdown.parse(body)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + _DEEPER, 6)}"
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html
