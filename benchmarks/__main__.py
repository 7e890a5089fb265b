"""`python -m benchmarks`: measure, print tables in Markdown, keep the figures and charts."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "results"
MILLION = 1_000_000


def main() -> None:
    """Measure all that was asked for, and report it."""
    asked = _read_arguments()

    from benchmarks.charts import draw_all
    from benchmarks.measure import Extent, measure
    from benchmarks.tables import tables
    from benchmarks.talk import talk
    from benchmarks.targets import targets
    from crisis_sim.report import save_chart

    if asked.quick:
        extent = Extent(min(asked.most, 10_000), rounds=1, growth_replicates=2_000, whole=False)
    else:
        extent = Extent(asked.most)
    results = measure(extent)
    aims = targets(results)
    words = tables(results, aims)
    print(words)

    folder = asked.out
    folder.mkdir(parents=True, exist_ok=True)
    figures = results.as_data() | {"targets": [target.plain() for target in aims]}
    (folder / "speed.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (folder / "speed.md").write_text(words + "\n", encoding="utf-8")
    for name, figure in draw_all(results).items():
        for suffix in (".svg", ".png"):
            save_chart(figure, folder / f"{name}{suffix}")
    talk(f"kept in {folder}")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a look in about a minute: one round, no batch above 10,000, one core",
    )
    parser.add_argument(
        "--most",
        type=int,
        default=MILLION,
        metavar="N",
        help="the most replicates in a batch; %(default)s",
    )
    parser.add_argument(
        "--out", type=Path, default=FOLDER, help="folder for figures, tables and charts"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
