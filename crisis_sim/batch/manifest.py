"""How a batch came about: all that is needed to run it again and to trust it."""

from __future__ import annotations

import secrets
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crisis_sim.batch.block import BlockFailure
from crisis_sim.batch.versions import versions

if TYPE_CHECKING:
    from crisis_sim.batch.plan import Plan

#: The layout of results folders, counted up when older readers could no longer read a new folder.
FORMAT = 1


def open_manifest(plan: Plan, command: Sequence[str] | None = None) -> dict[str, Any]:
    """What is known of a batch before it runs.

    Args:
        plan: what it is to run.
        command: the command line that asked for it; this process's own where left out.
    """
    revision, modified = git_revision()
    return {
        "format": FORMAT,
        "run": secrets.token_hex(8),
        "command": shlex.join(command if command is not None else sys.orig_argv),
        "seed": plan.seed,
        "replicates": plan.replicates,
        "points": plan.points,
        "block_size": plan.block_size,
        "engine": plan.engine,
        "parameters_varied": sorted(plan.parameters),
        "agents_added": [name_of(agent) for agent in plan.agents],
        "versions": dict(versions()),
        "git_revision": revision,
        "git_modified": modified,
        "started": _now(),
        "scenarios": {
            one.name: {
                "title": one.title,
                "digest": one.digest,
                "horizon_hours": one.horizon_hours,
                "states": list(one.state_names),
                "scenario": one.plain(),
            }
            for one in plan.scenarios
        },
    }


def close_manifest(
    manifest: dict[str, Any],
    rows: dict[str, int],
    failures: Sequence[BlockFailure] = (),
) -> dict[str, Any]:
    """The manifest of a batch that has ended.

    Args:
        manifest: what `open_manifest` gave.
        rows: scenario name to the replicates that it has.
        failures: blocks that failed.
    """
    scenarios = {
        name: {"replicates_done": rows[name], **about}
        for name, about in manifest["scenarios"].items()
    }
    return {
        **{key: value for key, value in manifest.items() if key != "scenarios"},
        "finished": _now(),
        "failures": [
            {
                "block": one.number,
                "scenario": one.scenario,
                "first_replicate": one.first,
                "replicates": one.count,
                "first_point": one.first_point,
                "points": one.points,
                "seed": one.seed,
                "error": one.error,
                "trace": one.trace,
            }
            for one in failures
        ],
        "scenarios": scenarios,
    }


def git_revision() -> tuple[str | None, bool | None]:
    """The code's commit and whether its files differ from it; None where it is no checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        if not (root / ".git").exists():
            return None, None
        revision = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (
        OSError,
        subprocess.CalledProcessError,
    ):  # no git here, it will not read this checkout, or we may not look
        return None, None
    return revision, bool(changes)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def name_of(agent: Any) -> str:
    """What a maker of agents is called, with its module."""
    kind = (
        agent if hasattr(agent, "__qualname__") else type(agent)
    )  # a class or function, or neither
    return f"{kind.__module__}.{kind.__qualname__}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
