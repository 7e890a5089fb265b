"""Public names, pyproject.toml, and the wheel in its own environment.

The new environment sees the dependencies of the one that runs the tests through a `.pth` file.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import crisis_sim.report
from crisis_sim.version import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_public_names_exist_and_are_sorted() -> None:
    for package in (crisis_sim, crisis_sim.report):
        assert all(getattr(package, name) and name in dir(package) for name in package.__all__)
    assert list(crisis_sim.__all__) == sorted(set(crisis_sim.__all__))
    with pytest.raises(AttributeError, match=r"no 'simulat'; it has .*simulate"):
        _ = crisis_sim.simulat


def test_slow_libraries_are_imported_only_when_needed() -> None:
    code = """
import sys, crisis_sim.report
names = {"mesa", "scipy", "numpy", "pandas", "pyarrow", "matplotlib", "networkx", "jinja2", "rich"}
crisis_sim.load_scenario("may_2025")._repr_html_()
print(sorted(names & {*sys.modules}))
import crisis_sim.model, crisis_sim.batch.run
print(sorted({"pandas", "networkx", "scipy.spatial", "matplotlib"} & {*sys.modules}))
import crisis_sim.report.charts
print(sorted({"matplotlib.pyplot"} & {*sys.modules}))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n[]\n[]\n"


#: The dependencies of the package and of its extras.
DECLARED = {
    canonicalize_name(Requirement(text).name)
    for text in (
        *PROJECT["project"]["dependencies"],
        *(
            one
            for extra in ("cluster", "dashboard")
            for one in PROJECT["project"]["optional-dependencies"][extra]
        ),
    )
}
#: pydantic-core is the other half of pydantic, which pins it.
COME_ALONG = {"pydantic_core"}


def imported_by(file: Path) -> set[str]:
    """Return the packages that a module imports, at the top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_imported_libraries_are_declared() -> None:
    imported = set().union(*map(imported_by, (ROOT / "crisis_sim").rglob("*.py")))
    others = imported - sys.stdlib_module_names - COME_ALONG - {"crisis_sim"}
    homes = {
        name: {canonicalize_name(home) for home in found}
        for name, found in packages_distributions().items()
    }
    assert {"mesa", "numpy"} <= others
    undeclared = {name for name in others if not DECLARED & homes.get(name, set())}
    assert undeclared == set()


def test_a_source_distribution_includes_what_contributors_need() -> None:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"/Makefile", "/benchmarks", "/CONTRIBUTING.md", "/tests"} <= set(included)
    assert all((ROOT / path.removeprefix("/")).exists() for path in included)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that does not see the checkout."""
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
    """The folder of programs of a new environment with the wheel."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", programs / "python")
    run(*pip, "install", "--quiet", "--no-deps", wheel, cwd=home)
    (site,) = {path.parent for path in home.rglob("crisis_sim") if path.is_dir()}
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return programs


@pytest.mark.slow
def test_the_wheel_contains_all_files_of_the_package(wheel: Path) -> None:
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
    assert "version" not in PROJECT["project"]
    assert wheel.name.startswith(f"crisis_sim-{__version__}-")


@pytest.mark.slow
def test_an_installed_wheel_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    code = "import crisis_sim; print(crisis_sim.__file__)"
    result = run(installed / "python", "-c", code, cwd=tmp_path).stdout.strip()
    assert Path(result).is_relative_to(installed.parent)
    program = installed / "crisis-sim"
    listed = run(program, "experiments", cwd=tmp_path).stdout
    assert all(path.stem in listed for path in (ROOT / "experiments").glob("*.yaml"))
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
