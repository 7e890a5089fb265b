"""Made-up crises in the format of the real ones."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

#: A crisis between two average states over territory.
FACTS = {
    "crisname": "MADE UP", "start": "1970-05-04", "trigger_type": "violent", "trigent_kind": "state",
    "grav_first": "territorial",
    "protracted_first": "no", "ln_cinc_ratio": 0.0, "nuclear_a": 0, "nuclear_b": 0, "major_a": 0, "major_b": 0,
    "regime_a_icb": "democratic", "regime_b_icb": "military_dual", "n_dyads": 1,
}  # fmt: skip
OUTCOMES = {"ending": "agreement", "violence": "minor", "mediated": 1, "dur": 30}


def crises(count: int, **columns: list[object]) -> pd.DataFrame:
    """Return equal crises, except for the given columns."""
    table = pd.DataFrame([{"crisno": 900 + k, **FACTS} for k in range(count)])
    return table.assign(**columns)


def made_up(folder: Path) -> Path:
    """Write twenty crises to a folder: half of them begin with violence, and half are mediated."""
    half = [0, 1] * 10
    inputs = crises(20, trigger_type=["violent" if one else "political" for one in half])
    outcomes = pd.DataFrame([{"crisno": 900 + k, **OUTCOMES} for k in range(20)])
    outcomes["mediated"] = [0, 0, 1, 1] * 5
    outcomes["violence"] = ["war", "minor", "serious", "none", "minor"] * 4
    outcomes["ending"] = ["agreement", "unilateral", "faded", "unilateral"] * 5
    outcomes["dur"] = [2 ** (k % 10) for k in range(20)]
    inputs.to_csv(folder / "hindcast_inputs.csv", index=False)
    outcomes.to_csv(folder / "hindcast_outcomes_dev.csv", index=False)
    return folder
