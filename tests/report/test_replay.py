from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from crisis_sim.model.journal import Journal
from crisis_sim.report import replay_data, write_replay
from crisis_sim.scenario.schema import Scenario


def test_a_replay_is_kept_as_story_and_chart(
    journal: Journal, scenario: Scenario, tmp_path: Path
) -> None:
    written = write_replay(journal, scenario, "# A story\n", tmp_path / "new" / "crisis_0.5")
    assert [path.name for path in written] == [
        f"crisis_0.5{end}" for end in (".md", ".svg", ".png")
    ]
    assert written[0].read_text(encoding="utf-8") == "# A story\n"
    assert written[2].read_bytes().startswith(b"\x89PNG")


def test_the_data_of_a_replay_are_json_and_null_is_what_never_came(
    journal: Journal, scenario: Scenario
) -> None:
    outcome = {"ended_at_hours": np.float64("nan"), "brokered_by": "", "mediated": np.True_}
    data = replay_data(journal, scenario, outcome, seed=3, replicate=7)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["outcome"] == {"ended_at_hours": None, "brokered_by": None, "mediated": True}
    assert (data["seed"], data["replicate"], data["digest"]) == (3, 7, scenario.digest)
    assert len(data["entries"]) == len(journal.entries)
    assert data["series"]["hours"] == journal.series["hours"]
