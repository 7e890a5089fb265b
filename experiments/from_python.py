"""Experiments from Python: short versions of two of the files in this folder.

python experiments/from_python.py
"""

from __future__ import annotations

from crisis_sim import make_experiment, run_experiment


def main(replicates: int = 1_000, workers: int = 1) -> None:
    """Ask two questions about May 2025, and print the answers.

    Args:
        replicates: crises at each point.
        workers: the most processes to use.
    """
    delay = make_experiment(
        "delay",
        kind="sweep",
        scenario="may_2025",
        question="What does a delay of mediation cost?",
        vary={"mediators.us.attention_days": {"low": 2, "high": 60, "points": 5, "scale": "log"}},
        outcomes=["ceasefire_within_96_hours", {"share": {"deaths": {"at_least": 1000}}}],
        replicates=replicates,
    )
    findings = run_experiment(delay, workers=workers)
    print(delay.spec.question, *findings.answer, sep="\n- ")
    table = findings.tables["differences"].to_pandas()  # each point minus the reference, paired
    print(table[table.measure == "ceasefire_within_96_hours"].round(3).to_string(index=False))

    ended = make_experiment(
        "ended",
        kind="attribute",
        scenario="may_2025",
        question="Which third party brought the ceasefire about?",
        parts={
            "the United States": "mediators.us",
            "IMF lending": "lenders",
            "the back-channel": "channels.nsa_line",
        },
        outcomes=["ceasefire_within_96_hours"],
        replicates=replicates,
    )
    print(ended.spec.question, *run_experiment(ended, workers=workers).answer, sep="\n- ")


if __name__ == "__main__":
    main()
