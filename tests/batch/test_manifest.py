from __future__ import annotations

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest

from crisis_sim.batch import manifest as manifests
from crisis_sim.batch.manifest import close_manifest, git_revision, open_manifest
from crisis_sim.batch.plan import Plan
from crisis_sim.version import __version__
from tests.batch.crises import Counter, crisis


def test_it_holds_what_is_needed_to_run_the_batch_again() -> None:
    scenario = crisis()
    plan = Plan((scenario,), 10, seed=0, block_size=4, agents=[Counter])
    manifest = open_manifest(plan, ["crisis-sim", "run", "my crisis"])
    assert manifest["command"] == "crisis-sim run 'my crisis'"
    assert (manifest["seed"], manifest["replicates"], manifest["block_size"]) == (0, 10, 4)
    assert manifest["versions"]["crisis_sim"] == __version__
    assert manifest["versions"]["python"] == platform.python_version()
    assert manifest["versions"]["mesa"] == metadata.version("mesa")
    assert manifest["agents_added"] == ["tests.batch.crises.Counter"]
    about = manifest["scenarios"]["quarrel"]
    assert about["digest"] == scenario.digest
    again = type(scenario).model_validate(about["scenario"])
    assert again.digest == scenario.digest


def test_it_is_plain_json_and_its_times_are_in_utc() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    manifest = close_manifest(open_manifest(Plan((crisis(),), 3, seed=1)), {"quarrel": 3})
    assert json.loads(json.dumps(manifest)) == manifest
    started = datetime.fromisoformat(manifest["started"])
    finished = datetime.fromisoformat(manifest["finished"])
    assert before <= started <= finished <= datetime.now(UTC)
    assert manifest["failures"] == []


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the package seems to lie."""
    inside = tmp_path / "crisis_sim" / "batch" / "manifest.py"
    inside.parent.mkdir(parents=True)
    inside.write_text("# code\n", encoding="utf-8")
    monkeypatch.setattr(manifests, "__file__", str(inside))
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_in_a_checkout_it_names_the_commit_and_says_whether_files_differ(checkout: Path) -> None:
    git(checkout, "init", "--quiet")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "all")
    head = git(checkout, "rev-parse", "HEAD")
    assert git_revision() == (head, False)
    (checkout / "crisis_sim" / "batch" / "manifest.py").write_text("# other\n", encoding="utf-8")
    assert git_revision() == (head, True)


def denied(path: Path) -> bool:
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize("why", ["installed in a checkout", "no git", "may not be looked at"])
def test_what_is_no_checkout_that_git_can_read_has_no_revision(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    assert git_revision() == (None, None)
    git(checkout, "init", "--quiet")
    if why == "no git":
        monkeypatch.setenv("PATH", "")
    elif why == "may not be looked at":
        monkeypatch.setattr(Path, "exists", denied)
    else:
        site = checkout / "site-packages" / "crisis_sim" / "batch" / "manifest.py"
        monkeypatch.setattr(manifests, "__file__", str(site))
    assert git_revision() == (None, None)
