"""Write the table of facts into scenarios/since_1945.yaml: combinations of facts with their counts, without names.

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

from crisis_sim.hindcast.forecast import EQUAL, UNEQUAL, labels, parameters_of
from crisis_sim.hindcast.sources import read_crises

FILE = DOCS.parent / "scenarios" / "since_1945.yaml"
#: Labels and paths of the table's columns, in the order of the file.
COLUMNS = (
    *("trigger", "stakes", "conflict", "nuclear", "power", "first_actor"),
    *(
        f"about.{fact}"
        for fact in ("gravity", "protracted", "long_war", "great_power", "territory")
    ),
    *("about.words", "about.indirect", "about.violent", "states.challenger.nuclear"),
    *(f"states.defender.{fact}" for fact in ("capability", "nuclear", "ready")),
    "events.0.rival_rung",
)
#: Sort keys of the rows; their order determines which replicate draws which row.
ORDER = (
    *("trigger", "stakes", "conflict", "states.defender.capability", "states.defender.nuclear"),
    *("states.challenger.nuclear", "first_actor", "about.great_power", "about.words"),
    "states.defender.ready",
)
DRAWN = re.compile(r"values: \[[^]]*\], weights: \[[^]]*\], together: crisis")


def table(facts: pd.DataFrame) -> pd.DataFrame:
    """Return the combinations with their counts `n`; capability is the mean of its class, to hide single crises."""
    power = facts["ln_cinc_ratio"].fillna(0.0)
    edges = np.log([1 / UNEQUAL, 1 / EQUAL, EQUAL, UNEQUAL])
    known = parameters_of(facts)
    capability = np.log(known["states.defender.capability"])
    means = pd.Series(capability).groupby(np.searchsorted(edges, power)).transform("mean")
    known["states.defender.capability"] = np.exp(means).round(2).to_numpy()
    combinations = pd.DataFrame({name: (known | labels(facts))[name] for name in COLUMNS})
    return combinations.groupby(list(ORDER), as_index=False).agg(
        **{name: (name, "first") for name in COLUMNS if name not in ORDER}, n=(COLUMNS[-1], "size")
    )


def as_list(values: Iterable[object]) -> str:
    """Return the items of a list in YAML."""
    return ", ".join(value if isinstance(value, str) else f"{value:g}" for value in values)


if __name__ == "__main__":
    rows = table(read_crises(Path(sys.argv[1])).table)
    texts = iter(
        f"values: [{as_list(rows[name])}], weights: [{as_list(rows['n'])}], together: crisis"
        for name in COLUMNS
    )
    text = DRAWN.sub(lambda _: next(texts), FILE.read_text(encoding="utf-8"))
    FILE.write_text(text, encoding="utf-8")
