"""The commented scenario that `crisis-sim init` writes for a newcomer to change."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = Path(__file__).with_name("template.yaml")


def template_text(file_name: str = "my_crisis.yaml") -> str:
    """The template, with the name of the file that it becomes in its comments."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return text.replace("FILE", file_name).replace("this_file.yaml", file_name)


def write_template(path: Path) -> None:
    """Write the template to a new file.

    Raises:
        FileExistsError: when there is one already; it is left alone.
        OSError: when it cannot be written.
    """
    with path.open("x", encoding="utf-8") as file:
        file.write(template_text(path.name))
