from __future__ import annotations

from importlib import metadata

import pytest

from crisis_sim.batch.workers import cores
from crisis_sim.cli import files
from crisis_sim.cli.files import Finding, examine
from crisis_sim.scenario import load


def libraries(monkeypatch: pytest.MonkeyPatch, *required: str) -> list[Finding]:
    monkeypatch.setattr(metadata, "requires", lambda name: list(required))
    monkeypatch.setattr(files, "_trial_run", lambda: "")
    findings = list(examine())
    names = [finding.name for finding in findings]
    return findings[names.index("cores") + 1 : names.index("folder to work in")]


def test_libraries_are_held_against_what_the_package_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = libraries(
        monkeypatch,
        "numpy>=2.0",
        "numpy<1",
        "no-such-library-here>=1",
        'ruff; extra == "dev"',
        'no-such-library-here; python_version < "3"',
    )
    assert [(one.name, one.ok) for one in found] == [
        ("numpy", True),
        ("numpy", False),
        ("no-such-library-here", False),
    ]
    assert found[0].detail == metadata.version("numpy")
    assert found[1].detail.endswith("needed: numpy<1")
    assert found[2].detail == "missing; needed: no-such-library-here>=1"


def test_a_checkout_that_is_not_installed_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", not_installed)
    monkeypatch.setattr(files, "_trial_run", lambda: "")
    assert all(finding.ok for finding in examine())


def test_a_package_without_scenarios_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(load, "shipped_folder", lambda: tmp_path)
    monkeypatch.setattr(files, "_trial_run", lambda: "")
    found = {finding.name: finding for finding in examine()}
    assert not found["scenarios"].ok
    assert str(tmp_path) in found["scenarios"].detail


def test_crises_that_come_out_otherwise_in_smaller_blocks_are_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = iter([[{"ending": "agreement"}], [{"ending": "faded"}]])
    monkeypatch.setattr(files, "_rows", lambda batch: next(rows))
    found = {finding.name: finding for finding in examine()}
    assert not found["trial run"].ok
    assert "came out otherwise in smaller blocks" in found["trial run"].detail


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1
