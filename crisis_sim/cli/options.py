"""Options that several commands share, with their types, help texts and limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from crisis_sim.cli.app import file_name
from crisis_sim.scenario.errors import RequestError, ScenarioError

if TYPE_CHECKING:
    from crisis_sim.scenario.schema import Scenario

RESULTS = Path("results")
#: The same as `crisis_sim.batch.block.MOST`, which is slow to import.
MOST_REPLICATES = 100_000_000_000


def _check_overrides(_: Any, overrides: list[str] | None) -> None:
    """Raise ScenarioError if an override replaces an earlier one."""
    from crisis_sim.scenario.load import find_overwritten

    mistakes = find_overwritten(overrides) if overrides and len(overrides) > 1 else ()
    if mistakes:
        raise ScenarioError(mistakes)


def option(
    help: str = "",  # noqa: A002 - the name that cyclopts uses
    name: str | list[str] | None = None,
    least: int | None = None,
    most: int | None = None,
    **others: Any,
) -> Parameter:
    """Describe an option, and limit its numbers to `least` to `most`.

    Without `help`, the text is that of the command's docstring.
    """
    if help:
        others["help"] = help
    if least is not None:
        others["validator"] = Number(gte=least, lte=most)
    return Parameter(name=name, **others)


#: An option without a value.
FLAG = Parameter(show_default=False)
_SEED = "Random seed; together with a replicate's number it determines a crisis"
_CLASS = "The file is imported and run: use only files that you trust. May be repeated."

ScenarioNames = Annotated[
    str, option("Scenario files, or names of shipped scenarios.", required=True)
]
ScenarioName = Annotated[str, option("A scenario file, or the name of a shipped scenario.")]
Seed = Annotated[int, option(f"{_SEED}.", least=0)]
SeedOrNone = Annotated[int | None, option(f"{_SEED}. By default 1.", least=0)]
Replicates = Annotated[int, option(least=1, most=MOST_REPLICATES)]
#: The number of one crisis.
Replicate = Annotated[
    int, option("Number of the crisis, from 0.", least=0, most=MOST_REPLICATES - 1)
]
Futures = option(least=1, most=100_000)
Workers = Annotated[
    int | None,
    option("Maximum number of cores; by default all. It does not affect results.", least=1),
]
Overrides = Annotated[
    list[str] | None,
    option(
        "Change a value, such as mediators.us.leverage.india=0.2, or remove a part, such as "
        "lenders.imf=null. May be repeated.",
        "--set",
        validator=_check_overrides,
        metavar="PATH=VALUE",
    ),
]
Fits = Annotated[
    bool,
    option(
        "Draw each replicate's behavioural parameters from the sets that fit the historical record, except for those "
        "given by --set or in the scenario. Results then include a range over these fits (docs/statistics.md).",
        "--over-fits",
        show_default=False,
    ),
]
Roles = Annotated[
    list[str] | None,
    option(
        "Use your own class for an agent, such as pakistan=my_rules.py:Cautious, or for all agents of "
        f"a role, such as states=my_rules.py:Cautious. {_CLASS}",
        "--roles",
        metavar="NAME=FILE.py:CLASS",
    ),
]
Agents = Annotated[
    list[str] | None,
    option(
        f"Add an agent of your own class, such as unsc.py:SecurityCouncil. {_CLASS}",
        "--agents",
        metavar="FILE.py:CLASS",
    ),
]
Reference = Annotated[
    str | None,
    option("Scenario to compare the others with; by default the first.", show_default=False),
]
Json = Annotated[bool, option("Print the result as JSON.", "--json", show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Charts:
    """Options for charts."""

    formats: Annotated[
        list[Literal["svg", "png", "pdf"]] | None,
        Parameter(
            name="--format",
            help="Format of the charts; by default svg and png. May be repeated. Their data are also written, as CSV.",
            show_default=False,
        ),
    ] = None
    width: Annotated[
        Literal["page", "column"],
        Parameter(help="Width of the charts: a journal's page (175 mm) or column (85 mm)."),
    ] = "page"

    def apply(self) -> None:
        """Use these options for the charts of the current command."""
        from crisis_sim import style  # slow to import

        width = style.DOUBLE_COLUMN if self.width == "page" else style.SINGLE_COLUMN
        formats = self.formats or ("svg", "png")
        style.PRINT.set(style.Print(width, (*(f".{name}" for name in formats), ".csv")))


CHARTS = Charts()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Variant:
    """Options for changes to scenarios, and for custom classes."""

    overrides: Overrides = None
    over_fits: Fits = False
    roles: Roles = None
    agents: Agents = None

    @cached_property
    def classes(self) -> dict[str, Any]:
        """The arguments `roles` and `agents` of `CrisisModel`, with the classes loaded from their files.

        Raises:
            RequestError: when the text of an option has another form, or an agent is given two classes.
            ScenarioError: when there is no such file or class, or the file has mistakes.
        """
        if not (self.roles or self.agents):
            return {"roles": {}, "agents": ()}
        from crisis_sim.batch.own_classes import load_class  # slow to import
        from crisis_sim.batch.safe_files import BatchError

        def load(option: str, text: str) -> Any:
            try:
                return load_class(text)
            except BatchError as error:
                raise RequestError(f"{option} {error}") from None

        roles: dict[str, Any] = {}
        for text in self.roles or ():
            name, equals, kind = text.partition("=")
            if not equals:
                expected = "NAME=FILE.py:CLASS, such as pakistan=my_rules.py:Cautious"
                raise RequestError(f"--roles {text}: expected {expected}")
            if name in roles:
                raise RequestError(f"--roles gives '{name}' two classes; expected one")
            roles[name] = load("--roles", kind)
        agents = tuple(load("--agents", text) for text in self.agents or ())
        return {"roles": roles, "agents": agents}

    def scenario(self, name: str) -> Scenario:
        """Load a scenario with these changes, and check that the classes fit it."""
        from crisis_sim.batch.own_classes import check_rules
        from crisis_sim.scenario.fits import load_over_fits

        scenario = load_over_fits(name, self.overrides or (), self.over_fits)
        check_rules([scenario], **self.classes)
        return scenario


UNCHANGED = Variant()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """Options for running a batch or an experiment into a folder."""

    out: Annotated[
        Path | None,
        option(
            "Folder for results; by default results/NAME, after the experiment or the first scenario."
        ),
    ] = None
    workers: Workers = None
    resume: Annotated[
        Path | None,
        option(
            "Continue an interrupted run in this folder, with the same result as without the interruption. Missing, "
            "damaged and failed blocks are run. Other options must be the same as before.",
            metavar="DIR",
        ),
    ] = None
    restart: Annotated[
        bool, option("Discard an unfinished run in the folder.", show_default=False)
    ] = False
    overwrite: Annotated[
        bool, option("Replace finished results in the folder.", show_default=False)
    ] = False
    dry_run: Annotated[
        bool, option("Print what would be run, without running it.", show_default=False)
    ] = False

    def check(self) -> None:
        """Raise RequestError if the options contradict each other."""
        resume, out = self.resume, self.out
        if resume is not None and self.restart:
            raise RequestError(
                "--resume continues a run, and --restart discards it: give one of them"
            )
        if resume is not None and out is not None and out.resolve() != resume.resolve():
            raise RequestError(
                f"--resume continues the run in {resume}: --out cannot be another folder"
            )

    def folder(self, name: str) -> Path:
        """Return the folder, which is by default named after an experiment or a scenario."""
        return self.resume or self.out or RESULTS / file_name(name)

    @property
    def cores(self) -> int:
        """The maximum number of cores to use."""
        from crisis_sim.batch.workers import cores

        return self.workers or cores()


DEFAULT_OUTPUT = Output()
