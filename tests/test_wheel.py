"""The package as a stranger gets it: a wheel in an environment of its own, far from the checkout.

The new environment sees the dependencies of the one that runs the tests through a `.pth` file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from crisis_sim.version import __version__

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of the checkout."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("crisis_sim", "scenarios", "experiments"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs" / "facts", source / "docs" / "facts")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    run(*pip, "--wheel-dir", folder, source, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment that holds the wheel."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(*pip, "install", "--quiet", "--no-deps", wheel, cwd=home)
    (site,) = {path.parent for path in home.rglob("crisis_sim") if path.is_dir()}
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return programs


def test_the_wheel_holds_the_package_its_types_the_scenarios_experiments_and_the_record(
    wheel: Path,
) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {f"crisis_sim/_scenarios/{path.name}" for path in (ROOT / "scenarios").iterdir()}
    folder = ROOT / "experiments"
    files = (one.relative_to(folder) for one in folder.rglob("*") if one.is_file())
    questions = {f"crisis_sim/_experiments/{one.as_posix()}" for one in files}
    data = {"crisis_sim/scenario/fits.csv", "crisis_sim/hindcast/fitted.json"}
    assert shipped | questions | data <= set(names)
    assert "crisis_sim/py.typed" in names
    record = {f"crisis_sim/_facts/{path.name}" for path in (ROOT / "docs" / "facts").iterdir()}
    assert record | {"crisis_sim/validation/expectations.csv"} <= set(names)
    page = {path.name for path in (ROOT / "crisis_sim" / "dashboard").iterdir() if path.is_file()}
    assert {f"crisis_sim/dashboard/{name}" for name in page} <= set(names)
    assert {"page.py", "controls.vue", "look.css"} <= page
    templates = {one.name for one in (ROOT / "crisis_sim" / "report" / "templates").iterdir()}
    assert {f"crisis_sim/report/templates/{name}" for name in templates} <= set(names)
    assert {"page.html.jinja", "style.css"} <= templates
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"crisis_sim", f"crisis_sim-{__version__}.dist-info"}


def test_the_version_has_one_home(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert wheel.name.startswith(f"crisis_sim-{__version__}-")


def test_what_runs_is_the_wheel_and_not_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = "import crisis_sim; print(crisis_sim.__file__)"
    told = run(installed / "python", "-c", code, cwd=tmp_path).stdout.strip()
    assert Path(told).is_relative_to(installed.parent)


def test_shipped_experiments_are_listed_from_any_folder(installed: Path, tmp_path: Path) -> None:
    listed = run(installed / "crisis-sim", "experiments", cwd=tmp_path).stdout
    assert all(path.stem in listed for path in (ROOT / "experiments").glob("*.yaml"))


def test_a_shipped_scenario_runs_by_its_bare_name_from_any_folder(
    installed: Path, tmp_path: Path
) -> None:
    program = installed / "crisis-sim"
    run(program, "run", "may_2025", "--replicates", "50", "--out", "results", cwd=tmp_path)
    manifest = json.loads((tmp_path / "results" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["scenarios"]["may_2025"]["replicates_done"] == 50
    assert manifest["git_revision"] is None
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert {"manifest.json", "outcomes.parquet", "paths.parquet", "summary.json"} <= names
    run(program, "report", "results", cwd=tmp_path)
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "<main>" in page
    assert "prefers-color-scheme: dark" in page
