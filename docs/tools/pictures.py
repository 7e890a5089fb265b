"""Refresh the outputs and pictures of the guide: `make pictures` runs the commands of its pages.

Their output goes to docs/shown and their charts to docs/images; the notebook is run, the validation is repeated, and the
figures of all pages are refreshed. If the model is unchanged, every file is the same to the byte, except for two pictures of
a browser.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import figures
import nbformat
from console import DASHBOARD, DOCS, GUIDE, IMAGES, SHOWN, Reader, chart_of, pages, pictures, steps
from nbclient import NotebookClient
from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(DOCS.parent))

from benchmarks.made_of import made_of
from crisis_sim.report.answers import differences
from crisis_sim.validation.show import RESULTS

#: Sizes of the browser's window, pixels.
REPORT, DASHBOARD_WINDOW = {"width": 1000, "height": 1100}, {"width": 1280, "height": 900}
PATIENCE = 60_000  # milliseconds
#: The slider that is moved for the picture of the dashboard, and its new value.
MOVED = ("mediators.us.attention_days", "3")


def main() -> None:
    """Refresh everything."""
    shutil.rmtree(SHOWN, ignore_errors=True)
    run: set[str] = set()
    for page in pages():
        with tempfile.TemporaryDirectory() as empty:
            began = time.perf_counter()
            run |= refresh(page, Path(empty) / "reader")
            print(f"{page.name}: {time.perf_counter() - began:.0f} s")
    with tempfile.TemporaryDirectory() as empty:
        run |= refresh_readme(Path(empty) / "reader")
        run |= refresh_validation(Path(empty) / "validation")
    (IMAGES / DASHBOARD).write_bytes(shrink(shoot_dashboard("may_2025")))
    for notebook in sorted(GUIDE.glob("*.ipynb")):
        execute(notebook)
    figures.main()
    figures.note(made_of(run))


def refresh(page: Path, folder: Path) -> set[str]:
    """Do the steps of a page and keep its outputs; return the shipped scenarios that were run."""
    reader = Reader(folder)
    output = ""
    for step in steps(page):
        if step.kind == "type":
            output = _run(reader, step.text)
        elif step.kind == "save":
            reader.save(step.text)
        else:
            path = SHOWN / step.text
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = (line.rstrip() for line in output.rstrip().splitlines())
            path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    for picture in pictures(page):
        keep(chart_of(picture, folder), IMAGES / picture)
    return _scenarios_in(folder)


def refresh_readme(folder: Path) -> set[str]:
    """Refresh the README's results of `make run`: the chart, and the effects of the counterfactuals."""
    reader = Reader(folder)
    makefile = (DOCS.parent / "Makefile").read_text(encoding="utf-8")
    _run(reader, f"crisis-sim run {_search(r'^CRISES := (.+)$', makefile)} --out results/run")
    summary = json.loads((folder / "results" / "run" / "summary.json").read_text("utf-8"))
    figures.FINDING.parent.mkdir(parents=True)
    figures.FINDING.write_text(f"> {differences(summary)[0]}\n", encoding="utf-8")  # the largest
    _run(reader, "crisis-sim experiment what_ended_may_2025 --over-fits --out results/parts")
    parts_summary = json.loads((folder / "results" / "parts" / "summary.json").read_text("utf-8"))
    first, _, parts = parts_summary["answer"][0].partition("By part, ")
    parts = re.sub(r"\([^(;]*; (over fits [^;]*); [^)]*\)", r"(\1)", parts)
    sentence = f"> {first.partition(',')[0]}, by part: {parts}\n"
    figures.FINDING.with_name("over_fits.md").write_text(sentence, encoding="utf-8")
    chart = "ceasefire_from_first_strike.png"
    keep(chart_of(f"run/{chart}", folder), IMAGES / chart)
    return _scenarios_in(folder)


def refresh_validation(folder: Path) -> set[str]:
    """Refresh the page of the validation and its charts, by the command on the page."""
    reader = Reader(folder)
    command = _search(r"^ +(crisis-sim validate .+)$", figures.VALIDATION.read_text("utf-8"))
    _run(reader, f"{command} --out results")
    shutil.copyfile(folder / "docs" / figures.VALIDATION.name, figures.VALIDATION)
    for chart in (folder / "results").glob("*.png"):
        keep(chart, IMAGES / chart.name)
    validation = json.loads((folder / "results" / RESULTS).read_text(encoding="utf-8"))
    return {validation["population"], *(case["scenario"] for case in validation["cases"])}


def _search(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        sys.exit(f"no match for {pattern} in the Makefile or the page")
    return match[1]


def shrink(chart: bytes) -> bytes:
    """Compress a chart to a palette of 256 colours, which are more than it has."""
    compressed = io.BytesIO()
    with Image.open(io.BytesIO(chart)) as image:
        palette = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        palette.save(compressed, "PNG", optimize=True)
    return compressed.getvalue()


def keep(chart: Path, picture: Path) -> None:
    """Keep a chart, or the top of a report, as a picture of the guide."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    image = shoot_report(chart) if chart.suffix == ".html" else chart.read_bytes()
    picture.write_bytes(shrink(image))


def execute(path: Path) -> None:
    """Run a notebook and save it with its output, without times and versions."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": path.parent}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                chart = shrink(base64.b64decode(data["image/png"]))
                data["image/png"] = base64.b64encode(chart).decode("ascii")
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)


def _run(reader: Reader, command: str) -> str:
    process = reader.type(command)
    if process.returncode:
        sys.exit(f"{command}\n{process.stdout}{process.stderr}")
    return process.stdout


def _scenarios_in(folder: Path) -> set[str]:
    """Return the shipped scenarios that were run in a folder."""
    names: set[str] = set()
    for path in folder.rglob("manifest.json"):
        names |= set(json.loads(path.read_text(encoding="utf-8")).get("scenarios", ()))
    return names & {path.stem for path in (DOCS.parent / "scenarios").glob("*.yaml")}


# --- Pictures of a browser: Chromium


def shoot_report(report: Path) -> bytes:
    """Return a picture of the top of a report."""
    with _page(REPORT) as page:
        page.goto(report.resolve().as_uri())
        return page.screenshot()


def shoot_dashboard(scenario: str) -> bytes:
    """Return a picture of the dashboard of a scenario with one slider moved."""
    command = [sys.executable, "-m", "crisis_sim", "dashboard", scenario, "--no-browser"]
    server = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        line = server.stderr.readline() if server.stderr else ""
        address = re.search(r"http://\S+", line)
        if address is None:
            sys.exit(f"the dashboard printed no address: {line}")
        with _page(DASHBOARD_WINDOW) as page:
            page.goto(address.group())
            page.get_by_role("status").wait_for()
            path, value = MOVED
            page.locator(f'[id="{path}"]').fill(value)
            page.locator(".cs-curve").nth(1).wait_for()  # the curve of the moved scenario
            page.locator(".cs-idle").wait_for(state="attached")  # all crises are done
            page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
            return page.screenshot()
    finally:
        server.terminate()
        server.communicate(timeout=20)


@contextmanager
def _page(window: dict[str, int]) -> Iterator[Page]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        sys.exit("no chromium on the path (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # As root Chromium has no sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport=window, color_scheme="light")  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


if __name__ == "__main__":
    main()
