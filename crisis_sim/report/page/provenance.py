"""How results came about, and what is needed to have them again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from crisis_sim.report import words
from crisis_sim.report.page.blocks import Attachments, Block, Code, Facts, Fold, Paragraph

#: How libraries are written; what is not here is written as it is called.
_LIBRARIES = {
    "crisis_sim": "Crisis Sim",
    "code": "digest of its code",
    "python": "Python",
    "numpy": "NumPy",
    "scipy": "SciPy",
}


def of_run(manifest: Mapping[str, Any]) -> Iterator[Block]:
    """How a run came about: the command, seed, versions, the scenarios themselves, and the manifest."""
    yield Paragraph("The command that made these results, and makes them again, crisis for crisis:")
    yield Code(str(manifest.get("command") or "not recorded"))
    yield Facts(list(_facts(manifest)))
    scenarios = manifest.get("scenarios", {})
    if scenarios:
        yield Paragraph(
            "The scenarios as they were run, with every value spelled out. Saved as files, they can be given to crisis-sim "
            "run in place of those of the command:"
        )
        yield Attachments(
            [attached(f"{name}.yaml", scenario_file(one)) for name, one in scenarios.items()]
        )
    without = {
        **manifest,
        "scenarios": {
            name: {key: told for key, told in one.items() if key != "scenario"}
            for name, one in scenarios.items()
        },
    }
    yield _manifest(without)


def of_experiment(
    manifest: Mapping[str, Any], text: str, files: Mapping[str, str]
) -> Iterator[Block]:
    """How an experiment came about: the command, its file, what it made, and the manifest."""
    yield Paragraph("The command that made these results, and makes them again:")
    yield Code(str(manifest.get("command") or "not recorded"))
    yield Facts(list(_facts(manifest)))
    if text:
        yield Fold("The experiment as it was given", [Code(text)])
    if files:
        yield Paragraph("Files that belong to it:")
        yield Attachments([attached(name, content) for name, content in files.items()])
    yield _manifest(manifest)


def scenario_file(about: Mapping[str, Any]) -> str:
    """A resolved scenario as a file that `crisis-sim run` takes: JSON, which YAML can be."""
    held = {
        key: part for key, part in about["scenario"].items() if key != "name" and part is not None
    }
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"


def attached(name: str, content: str, about: str = "") -> tuple[str, str, str]:
    """A file that travels inside the page: its name, its content as a data URL, and what it is."""
    encoded = base64.b64encode(content.encode()).decode("ascii")
    return words.clean(name), f"data:text/plain;charset=utf-8;base64,{encoded}", about


def made_by(manifest: Mapping[str, Any]) -> str:
    """The version that made the results."""
    return f"Crisis Sim {manifest.get('versions', {}).get('crisis_sim', 'of an unknown version')}"


def _facts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Seed", str(manifest.get("seed", words.UNKNOWN))
    if manifest.get("replicates"):
        each = "at each point" if "experiment_format" in manifest else "of each scenario"
        yield "Simulated crises", f"{words.count(manifest['replicates'])} {each}"
    if manifest.get("crises"):
        yield "In all", words.count(manifest["crises"])
    for key, said in (("started", "Begun"), ("finished", "Finished")):
        if manifest.get(key):
            yield said, _moment(str(manifest[key]))
    versions = [
        f"{_LIBRARIES.get(name, name)} {version}"
        for name, version in manifest.get("versions", {}).items()
    ]
    if versions:
        yield "Versions", ", ".join(versions)
    if manifest.get("git_revision"):
        changed = ", with changes that are not committed" if manifest.get("git_modified") else ""
        yield "Commit of the code", f"{manifest['git_revision']}{changed}"
    if manifest.get("digest"):
        yield "Digest of the experiment", str(manifest["digest"])
    for name, one in manifest.get("scenarios", {}).items():
        yield f"Digest of “{words.label(name)}”", str(one.get("digest", words.UNKNOWN))


def _moment(written: str) -> str:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return written
    return f"{words.moment(at, year=True)} ({words.offset(at)})"


def _manifest(manifest: Mapping[str, Any]) -> Fold:
    return Fold("The manifest", [Code(json.dumps(manifest, indent=2, ensure_ascii=False))])
