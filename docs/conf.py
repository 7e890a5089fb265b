"""How the documentation is built: `make docs`, which turns every warning into an error."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "tools"), str(HERE.parent)]

from crisis_sim.version import __version__  # noqa: E402

project = "Crisis Sim"
author = "The Crisis Sim authors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx asks for this name
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "made_from_code",
]
exclude_patterns = ["images", "shown", "tools"]
needs_sphinx = "8.0"

# Pages are Markdown. Headings get the anchors that they have on GitHub, so that links work in both.
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4

# The notebook is run anew for every build, so that it shows what the model says today.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 600  # seconds a cell, on a machine with other work
nb_merge_streams = True

# The reference is made from docstrings, in which `this` is code.
default_role = "code"
smartquotes_action = "qe"  # two dashes begin an option
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
napoleon_use_rtype = False

copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_here_doc_delimiter = "END"

html_theme = "furo"
html_title = "Crisis Sim"
html_static_path = ["_static"]
html_css_files = ["pictures.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
highlight_language = "none"  # of a block that names none
pygments_style = "tango"
pygments_dark_style = "monokai"
