"""The page: one HTML file that a researcher can attach to a mail and an aide can read.

`write_page` makes it from a folder of results. `contents` says what stands on it, as the plain blocks of `blocks`, and
makes HTML of them by `template.html.jinja` and `style.css`.
"""

from __future__ import annotations

from crisis_sim.report.page.contents import page_file, page_of, save_page, write_page

__all__ = ["page_file", "page_of", "save_page", "write_page"]
