from __future__ import annotations

from importlib import metadata

import pytest

from crisis_sim.cli import files
from crisis_sim.cli.files import examine
from crisis_sim.scenario import load


@pytest.fixture(autouse=True)
def no_trial_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "smaller_blocks" not in request.node.name:
        monkeypatch.setattr(files, "_trial_run", lambda: "")


def test_libraries_are_held_against_what_the_package_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    required = ["numpy>=2.0", "numpy<1", "no-such-library-here>=1", 'ruff; extra == "dev"']
    required += ['no-such-library-here; python_version < "3"']
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    findings = list(examine())
    names = [finding.name for finding in findings]
    found = findings[names.index("cores") + 1 : names.index("folder to work in")]
    assert [(one.name, one.ok) for one in found] == [
        *(("numpy", True), ("numpy", False), ("no-such-library-here", False))
    ]
    assert found[0].detail == metadata.version("numpy")
    assert found[1].detail.endswith("needed: numpy<1")
    assert found[2].detail == "missing; needed: no-such-library-here>=1"


def test_a_checkout_that_is_not_installed_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", not_installed)
    assert all(finding.ok for finding in examine())


def test_a_package_without_scenarios_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(load, "shipped_folder", lambda: tmp_path)
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
