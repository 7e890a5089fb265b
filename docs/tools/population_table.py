"""Puts the table of joint facts into scenarios/since_1945.yaml: combinations with their counts, no named rows.

python docs/tools/population_table.py DIR    # the folder that `crisis-sim hindcast --data` reads
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from console import DOCS

from crisis_sim.hindcast.forecast import EQUAL, UNEQUAL, labels, read
from crisis_sim.hindcast.sources import read_crises

FILE = DOCS.parent / "scenarios" / "since_1945.yaml"
#: The labels and paths of the table, in the order of the file.
COLUMNS = (
    *("trigger", "stakes", "conflict", "nuclear", "power", "first_actor"),
    *(f"about.{one}" for one in ("gravity", "protracted", "long_war", "great_power", "territory")),
    *("about.words", "about.indirect", "about.violent", "states.challenger.nuclear"),
    *(f"states.defender.{one}" for one in ("capability", "nuclear", "ready")),
    "events.0.rival_rung",
)
#: By what the rows are in order, which fixes who draws which.
ORDER = (
    *("trigger", "stakes", "conflict", "states.defender.capability", "states.defender.nuclear"),
    *("states.challenger.nuclear", "first_actor", "about.great_power", "about.words"),
    "states.defender.ready",
)
DRAWN = re.compile(r"values: \[[^]]*\], weights: \[[^]]*\], together: crisis")


def table(facts: pd.DataFrame) -> pd.DataFrame:
    """The combinations, each with its count `n`; capability as the mean of its class, so that no row is one crisis's."""
    power = facts["ln_cinc_ratio"].fillna(0.0)
    edges = np.log([1 / UNEQUAL, 1 / EQUAL, EQUAL, UNEQUAL])
    known = read(facts)
    capability = np.log(known["states.defender.capability"])
    means = pd.Series(capability).groupby(np.searchsorted(edges, power)).transform("mean")
    known["states.defender.capability"] = np.exp(means).round(2).to_numpy()
    found = pd.DataFrame({name: (known | labels(facts))[name] for name in COLUMNS})
    return found.groupby(list(ORDER), as_index=False).agg(
        **{name: (name, "first") for name in COLUMNS if name not in ORDER}, n=(COLUMNS[-1], "size")
    )


def written(values: Iterable[object]) -> str:
    """A list as the file has it."""
    return ", ".join(one if isinstance(one, str) else f"{one:g}" for one in values)


if __name__ == "__main__":
    rows = table(read_crises(Path(sys.argv[1])).table)
    texts = iter(
        f"values: [{written(rows[name])}], weights: [{written(rows['n'])}], together: crisis"
        for name in COLUMNS
    )
    text = DRAWN.sub(lambda _: next(texts), FILE.read_text(encoding="utf-8"))
    FILE.write_text(text, encoding="utf-8")
