"""The options that commands share: of each its type, its help and what it accepts, and groups of them."""

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
#: As of `crisis_sim.batch.block.MOST`, which takes long to import.
MOST_REPLICATES = 100_000_000_000


def _said_once(_: Any, overrides: list[str] | None) -> None:
    """Make sure that no override is lost to a later one."""
    from crisis_sim.scenario.load import find_overwritten

    mistakes = find_overwritten(overrides) if overrides and len(overrides) > 1 else ()
    if mistakes:
        raise ScenarioError(mistakes)


def option(
    help: str = "",  # noqa: A002 - as cyclopts has it
    name: str | list[str] | None = None,
    least: int | None = None,
    most: int | None = None,
    **others: Any,
) -> Parameter:
    """An option with its help, the numbers that it accepts, and if need be another name or what stands for its value."""
    if help:  # else the command's docstring tells of it
        others["help"] = help
    if least is not None:
        others["validator"] = Number(gte=least, lte=most)
    return Parameter(name=name, **others)


#: Of an option without a value.
FLAG = Parameter(show_default=False)
_SEED = "Seed; with a replicate's number it determines a crisis"
_OWN = "It is imported and run: name only files that you trust. May be repeated."

Many = Annotated[str, option("Scenario files, or names of shipped ones.", required=True)]
One = Annotated[str, option("A scenario file, or the name of a shipped one.")]
Seed = Annotated[int, option(f"{_SEED}.", least=0)]
SeedOrNone = Annotated[int | None, option(f"{_SEED}; by default 1.", least=0)]
Replicates = Annotated[int, option(least=1, most=MOST_REPLICATES)]
#: The number of one crisis.
Replicate = Annotated[
    int, option("Number of the crisis, from 0.", least=0, most=MOST_REPLICATES - 1)
]
Futures = option(least=1, most=100_000)
Workers = Annotated[
    int | None,
    option("Cores to use at most; by default all. Results are the same for any number.", least=1),
]
Overrides = Annotated[
    list[str] | None,
    option(
        "Change a value, such as mediators.us.leverage.india=0.2, or remove something, such as "
        "lenders.imf=null. May be repeated.",
        "--set",
        validator=_said_once,
        metavar="PATH=VALUE",
    ),
]
Fits = Annotated[
    bool,
    option(
        "Draw each replicate's behavioural parameters from the sets that fit the record, except those that --set or "
        "the scenario sets; figures then also have a range over these fits (docs/statistics.md).",
        "--over-fits",
        show_default=False,
    ),
]
Roles = Annotated[
    list[str] | None,
    option(
        "Let an agent, or all agents of a role (such as states), decide by a class of your own, "
        f"such as pakistan=my_rules.py:Cautious. {_OWN}",
        "--roles",
        metavar="NAME=FILE.py:CLASS",
    ),
]
Agents = Annotated[
    list[str] | None,
    option(
        f"Add an agent of a class of your own, such as unsc.py:SecurityCouncil. {_OWN}",
        "--agents",
        metavar="FILE.py:CLASS",
    ),
]
Reference = Annotated[
    str | None, option("Reference scenario; by default the first.", show_default=False)
]
Json = Annotated[bool, option("Print JSON on stdout.", "--json", show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Charts:
    """How the charts of a command are made."""

    formats: Annotated[
        list[Literal["svg", "png", "pdf"]] | None,
        Parameter(
            name="--format",
            help="Formats of the charts; by default svg and png. May be repeated. Their data are beside them, as CSV.",
            show_default=False,
        ),
    ] = None
    width: Annotated[
        Literal["page", "column"],
        Parameter(help="Draw charts for a page of a journal, 175 mm, or one column, 85 mm."),
    ] = "page"

    def hold(self) -> None:
        """Have the charts made so, until the command is done."""
        from crisis_sim import style  # slow to import

        width = style.DOUBLE_COLUMN if self.width == "page" else style.SINGLE_COLUMN
        formats = self.formats or ("svg", "png")
        style.PRINT.set(style.Print(width, (*(f".{one}" for one in formats), ".csv")))


CHARTS = Charts()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Variant:
    """Options of every command that runs crises: changes to scenarios, and classes of a person's own."""

    overrides: Overrides = None
    over_fits: Fits = False
    roles: Roles = None
    agents: Agents = None

    @cached_property
    def classes(self) -> dict[str, Any]:
        """The classes that `--roles` and `--agents` name, loaded from their files, as `CrisisModel` takes them.

        Raises:
            RequestError: when one is not of the right form, or somebody is given two.
            ScenarioError: when there is no such file or class, or the file has mistakes.
        """
        if not (self.roles or self.agents):
            return {"roles": {}, "agents": ()}
        from crisis_sim.batch.files import BatchError
        from crisis_sim.batch.rules import load_class  # slow to import

        def load(option: str, text: str) -> Any:
            try:
                return load_class(text)
            except BatchError as error:
                raise RequestError(f"{option} {error}") from None

        found: dict[str, Any] = {}
        for text in self.roles or ():
            name, equals, of = text.partition("=")
            if not equals:
                expected = "NAME=FILE.py:CLASS, such as pakistan=my_rules.py:Cautious"
                raise RequestError(f"--roles {text}: expected {expected}")
            if name in found:
                raise RequestError(f"--roles gives '{name}' two classes; expected one")
            found[name] = load("--roles", of)
        return {
            "roles": found,
            "agents": tuple(load("--agents", text) for text in self.agents or ()),
        }

    def scenario(self, reference: str) -> Scenario:
        """The scenario that is meant, with these changes; the classes are found to fit it."""
        from crisis_sim.batch.rules import check_rules
        from crisis_sim.scenario.load import load_over_fits

        read = load_over_fits(reference, self.overrides or (), self.over_fits)
        check_rules([read], **self.classes)
        return read


AS_IT_IS = Variant()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Into:
    """Where a run or an experiment goes, and what is done about what is there."""

    out: Annotated[
        Path | None,
        option(
            "Folder for results; by default results/NAME, of the experiment or the first scenario."
        ),
    ] = None
    workers: Workers = None
    resume: Annotated[
        Path | None,
        option(
            "Continue what was interrupted in this folder: blocks that are missing, damaged or failed are run, with "
            "the same result as without the interruption. Other options must be as they were.",
            metavar="DIR",
        ),
    ] = None
    restart: Annotated[
        bool, option("Delete what is unfinished in the folder.", show_default=False)
    ] = False
    overwrite: Annotated[
        bool, option("Replace finished results in the folder.", show_default=False)
    ] = False
    dry_run: Annotated[
        bool, option("Say what would be run, and run nothing.", show_default=False)
    ] = False

    def check(self) -> None:
        """Make sure that they fit together; RequestError where they do not."""
        resume, out = self.resume, self.out
        if resume is not None and self.restart:
            raise RequestError("--resume continues what --restart deletes: give one of them")
        if resume is not None and out is not None and out.resolve() != resume.resolve():
            raise RequestError(f"--resume goes on in {resume}: --out cannot name another folder")

    def folder(self, name: str) -> Path:
        """The folder; where none is given, that of results of a name."""
        return self.resume or self.out or RESULTS / file_name(name)

    @property
    def cores(self) -> int:
        """The cores to use at most."""
        from crisis_sim.batch.workers import cores

        return self.workers or cores()


HERE = Into()
