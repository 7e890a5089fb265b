"""The results as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.cold_start import PHASES
from benchmarks.results import Results, ScenarioResults
from benchmarks.speed import Speed
from benchmarks.targets import Target

KINDS = {"mediators": "mediators", "horizon": "days to the horizon"}


def tables(results: Results, targets: Sequence[Target]) -> str:
    """All tables, under headings."""
    about = ", ".join(f"{what} {value}" for what, value in results.machine.items())
    parts = [
        f"Measured on {about}, at {results.measured}.",
        "## Targets\n\n" + target_table(targets),
        *(f"## Speed of {one.name}\n\n" + speed_table(one) for one in results.scenarios),
        "## Memory\n\n" + memory_table(results),
        "## Growth\n\n" + growth_table(results),
    ]
    if results.by_block_size:
        parts.append("## Sizes of blocks\n\n" + block_table(results.by_block_size))
    parts.append("## From a cold start\n\n" + cold_start_table(results))
    return "\n\n".join(parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table in Markdown, whose first columns are texts and the others numbers."""
    rule = ["---"] * texts + ["--:"] * (len(heads) - texts)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def ratio(number: float) -> str:
    """A ratio, with as many digits as mean something."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def target_table(targets: Iterable[Target]) -> str:
    """Each target beside what was measured."""
    met = {True: "met", False: "not met", None: "not measured"}
    rows = [
        (
            one.what,
            one.scenario,
            f"{'at least' if one.at_least else 'at most'} {one.asked:g}",
            "" if one.measured is None else ratio(one.measured),
            met[one.met],
        )
        for one in targets
    ]
    return table(("ratio of", "scenario", "asked", "measured", ""), rows, texts=2)


def speed_table(one: ScenarioResults) -> str:
    """Crises and agent-turns a second, beside the quickest empty Mesa model, the plain one and the floor."""
    beside = (one.empty_mesa, one.plain, one.floor.speed)
    ours = [*one.one_core, *one.two_cores, *one.in_turns]
    rows = [_speed_row(speed, beside) for speed in [*ours, *one.empty, one.plain, one.floor.speed]]
    heads = (
        "",
        "crises",
        "workers",
        "together",
        "seconds",
        "crises/s",
        "agent-turns/s",
        "x empty Mesa",
        "x plain Mesa",
        "of the floor",
    )
    counts, floor = one.counts, one.floor
    a_crisis = 1e6 / floor.crises
    return "\n\n".join(
        (
            table(heads, rows),
            f"{counts.agents} agents, {counts.mean_turns} turns in the mean crisis, "
            f"{counts.decisions_per_state_turn:.3f} decisions a turn of a state. A crisis takes "
            f"{counts.numbers / counts.replicates:,.0f} random numbers, "
            f"{counts.exponentials / counts.replicates:,.0f} exponentials and, each turn, "
            f"{counts.state_bytes:,.0f} bytes of state. The floor for one, in microseconds: "
            f"{floor.drawing * a_crisis:.1f} to draw, {floor.exponentials * a_crisis:.1f} for the "
            f"exponentials, {floor.streaming * a_crisis:.1f} to go over the state.",
        )
    )


def _speed_row(speed: Speed, beside: Sequence[Speed]) -> list[str]:
    rate = speed.agent_turns_per_second
    empty, plain, floor = (rate / one.agent_turns_per_second for one in beside)
    return [
        speed.what,
        f"{speed.crises:,}",
        str(speed.workers),
        f"{min(speed.block_size, speed.crises):,}",
        f"{speed.seconds:.3g}",
        f"{speed.crises_per_second:,.0f}",
        f"{rate:,.0f}",
        ratio(empty),
        ratio(plain),
        f"{floor:.1%}",
    ]


def memory_table(results: Results) -> str:
    """The most memory that batches, and whole runs, took with all their processes."""
    batches = [
        (one.name, f"{batch.speed.crises:,}", str(batch.speed.workers), f"{batch.memory_mb:,.0f}")
        for one in results.scenarios
        for batch in one.batches
    ]
    runs = [
        (f"`{run.what}`", f"{run.replicates:,}", "", f"{run.memory_mb:,.0f}")
        for run in results.whole_runs
    ]
    return table(("", "crises", "workers", "peak memory, MB"), [*batches, *runs])


def growth_table(results: Results) -> str:
    """What a crisis costs with other agents and horizons."""
    rows = [
        (
            KINDS[point.kind],
            str(point.value),
            str(point.agents),
            f"{point.mean_turns:.0f}",
            f"{1e6 * point.speed.seconds_per_crisis:.1f}",
            f"{1e9 / point.speed.agent_turns_per_second:.2f}",
        )
        for point in results.growth
    ]
    heads = ("", "", "agents", "mean turns", "µs a crisis", "ns an agent-turn")
    size = results.growth[0].speed.crises
    return f"{table(heads, rows)}\n\nEach in a batch of {size:,} on one core."


def block_table(speeds: Sequence[Speed]) -> str:
    """Speed by the size of blocks."""
    rows = [
        (f"{one.block_size:,}", f"{one.crises:,}", f"{one.agent_turns_per_second:,.0f}")
        for one in speeds
    ]
    return table(("together", "crises", "agent-turns/s"), rows, texts=0)


def cold_start_table(results: Results) -> str:
    """Where the time of a cold run goes, and whole commands."""
    cold = results.cold_start
    split = table(
        ("a cold run, by what takes the time", "seconds", "share"),
        [
            (phase, f"{cold.phases[phase]:.3f}", f"{cold.phases[phase] / cold.seconds:.0%}")
            for phase in PHASES
        ],
    )
    commands = table(
        ("command", "seconds", "peak memory, MB"),
        [
            (f"`{one.what}`", f"{one.seconds:.2f}", f"{one.memory_mb:,.0f}")
            for one in [*results.start_up, *results.whole_runs]
        ],
    )
    pool = (
        f"A pool of {results.machine['cores']} processes gives back its first blocks after "
        f"{results.pool_start_seconds:.1f} s."
    )
    what = (
        f"{cold.replicates:,} replicates of {cold.scenario} from a cold start, {cold.seconds:.2f} s"
    )
    return "\n\n".join((f"{what}:", split, commands, pool))
