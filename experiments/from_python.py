"""Questions from Python: the same experiments as in the files beside this one, in a few lines each.

python experiments/from_python.py
"""

from __future__ import annotations

from crisis_sim import make_experiment, run_experiment


def main(replicates: int = 1_000, workers: int = 1) -> None:
    """Ask two questions about May 2025, and print what comes of them.

    Args:
        replicates: crises at each point.
        workers: the most processes to use.
    """
    delay = make_experiment(
        "delay",
        kind="sweep",
        scenario="may_2025",
        question="How much does it cost to wait?",
        vary={"mediators.us.attention_days": {"low": 2, "high": 60, "points": 5, "scale": "log"}},
        outcomes=["ceasefire_within_96_hours", {"share": {"deaths": {"at_least": 1000}}}],
        replicates=replicates,
    )
    findings = run_experiment(delay, workers=workers)
    print(delay.spec.question, *findings.answer, sep="\n- ")
    table = findings.tables["differences"].to_pandas()  # each point less the reference, paired
    print(table[table.measure == "ceasefire_within_96_hours"].round(3).to_string(index=False))

    ended = make_experiment(
        "ended",
        kind="attribute",
        scenario="may_2025",
        question="Was it the back-channel, the purse or Washington?",
        parts={
            "Washington": "mediators.us",
            "the purse": "lenders",
            "the back-channel": "channels.nsa_line",
        },
        outcomes=["ceasefire_within_96_hours"],
        replicates=replicates,
    )
    print(ended.spec.question, *run_experiment(ended, workers=workers).answer, sep="\n- ")


if __name__ == "__main__":
    main()
