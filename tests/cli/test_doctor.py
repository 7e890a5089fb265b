"""The command `doctor`."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from crisis_sim.cli import CHECK_FAILED, DONE, assess
from crisis_sim.scenario import load
from tests.conftest import Cli


def test_doctor_finds_no_fault_here(cli: Cli) -> None:
    result = cli("doctor")
    assert result.code == DONE, result.out
    assert "trial run: 64 crises in" in result.out
    assert "FAILED" not in result.out


def test_doctor_reports_faults_and_exits_with_1(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken() -> str:
        raise OSError("disk full")

    rows = iter([[{"ending": "agreement"}], [{"ending": "faded"}]])
    monkeypatch.setattr(assess, "_writable", broken)
    monkeypatch.setattr(assess, "_rows", lambda batch: next(rows))
    monkeypatch.setattr(load, "shipped_folder", lambda: tmp_path / "empty")
    result = cli("doctor")
    assert result.code == CHECK_FAILED
    assert "FAILED  folder to work in: OSError: disk full" in result.out
    assert f"FAILED  scenarios: FileNotFoundError: none in {tmp_path / 'empty'}" in result.out
    assert "had other results in smaller blocks" in result.out
    data = {one["name"]: one["ok"] for one in cli("doctor", "--json").data}
    assert (data["python"], data["scenarios"]) == (True, False)


def test_libraries_are_compared_with_the_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    for check in ("_trial_run", "_scenarios"):
        monkeypatch.setattr(assess, check, lambda: "")
    required = ["numpy>=2.0", "numpy<1", "no-such-library-here>=1", 'ruff; extra == "dev"']
    required += ['no-such-library-here; python_version < "3"']
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    findings = list(assess.examine())
    names = [finding.name for finding in findings]
    found = findings[names.index("cores") + 1 : names.index("folder to work in")]
    assert [(one.name, one.ok, one.detail.partition("; ")[2]) for one in found] == [
        ("numpy", True, ""),
        ("numpy", False, "required: numpy<1"),
        ("no-such-library-here", False, "required: no-such-library-here>=1"),
    ]
    assert found[0].detail == metadata.version("numpy")

    def not_installed(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", not_installed)  # as in a checkout
    assert all(finding.ok for finding in assess.examine())
