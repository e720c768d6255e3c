"""A statistic is one file: `queries/<section>/<name>.sql`.

The file opens with a TOML header in a block comment; one or two statements follow. With `over`, the first
is the *partial* (it reads `part`, one piece of that relation) and the second the *result* (it reads
`merged.<name>`). Without `over` there is only a result, over the catalogue's own tables. Everything that
shows a statistic (macro, card, datasheet section, command, tests) is made from the object read here.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from explorer.errors import StatisticError, UsageError
from explorer.units import UNITS

RELATIONS_VERSION = 2  # raised when what `explorer.relations` yields changes
RELATIONS = frozenset({"documents", "attributes", "marks", "paragraphs", "compared", "hits", "cuts"})
MERGE_RULES = frozenset({"sum", "min", "max"})
_HEADER = re.compile(r"\A\s*/\*(.*?)\*/", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_FIELDS = frozenset({
    "title", "doc", "over", "chart", "params", "merge", "columns", "keep", "approx", "approx_when", "order",
})  # fmt: skip

ALWAYS = "always"  # in `approx_when`: whatever the arguments

Value = bool | int | float | str


@dataclass(frozen=True)
class Param:
    """A parameter of a result: its default is the macro's, its bounds the widget's and the command's."""

    name: str
    default: Value
    doc: str
    choices: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None

    def parse(self, value: object) -> Value:
        """Turn a user's value into the parameter's type.

        Raises `UsageError` for a value of another type, outside the bounds or outside the choices.
        """
        kind = type(self.default)
        parsed: Value
        try:
            if kind is bool:
                parsed = _flag(value)
            elif kind is int:
                parsed = int(str(value))
            elif kind is float:
                parsed = float(str(value))
            else:
                parsed = str(value)
        except ValueError:
            raise UsageError(f"{self.name}: {value!r} is not a {kind.__name__}") from None
        if self.choices and parsed not in self.choices:
            raise UsageError(f"{self.name}: {value!r} is not one of {', '.join(self.choices)}")
        if not isinstance(parsed, str):
            if self.min is not None and not parsed >= self.min:
                raise UsageError(f"{self.name}: {value} is below {self.min:g}")
            if self.max is not None and not parsed <= self.max:
                raise UsageError(f"{self.name}: {value} is above {self.max:g}")
        return parsed


def _flag(value: object) -> bool:
    text = str(value).lower()
    if text in ("true", "yes", "1"):
        return True
    if text in ("false", "no", "0"):
        return False
    raise ValueError(text)


@dataclass(frozen=True)
class Column:
    """A result column: unit (see `explorer.units`) and definition. `null` is what charts call a null of a name."""

    name: str
    unit: str
    doc: str
    null: str = ""


@dataclass(frozen=True)
class Keep:
    """A merge of whole rows: the first `top` of each group of `within`, by a total order."""

    top: int
    within: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True)
class Statistic:
    """One statistic, as its file declares it."""

    section: str
    name: str
    title: str
    doc: str
    over: str | None
    order: int
    chart: Mapping[str, Any]
    params: tuple[Param, ...]
    merge: Mapping[str, str]
    keep: Keep | None
    columns: tuple[Column, ...]
    approx: str  # the measured error of what is estimated; empty when every number is exact
    partial_sql: str
    result_sql: str
    # arguments, or values of a column, with which the numbers are estimates; empty where columns ..._approx are
    approx_when: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        """Whether every number is exact, whatever the arguments."""
        return not self.approx

    def error(self, given: Mapping[str, object], frame: pl.DataFrame | None = None) -> str:
        """The error of what is estimated, with some arguments, in `frame` (the result, where it is at hand).

        Empty when every number is exact.
        """
        if self.approx_when and frame is not None and not frame.height:
            return ""  # what was not looked for was not estimated
        arguments = self.arguments(given)
        return self.approx if all(self._has(arguments, frame, *one) for one in self.approx_when.items()) else ""

    def _has(self, arguments: Mapping[str, Value], frame: pl.DataFrame | None, name: str, value: Value) -> bool:
        if name in arguments:
            return arguments[name] == value
        return name == ALWAYS or frame is None or value in frame[name].to_list()

    @property
    def partial_key(self) -> str:
        """What a stored partial depends on: its SQL without comments and spacing, its relation, its helper macros."""
        sql = normalise(self.partial_sql)
        text = repr((self.over, RELATIONS_VERSION, self.keep, sql, macros_used(sql)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def sql_hash(self) -> str:
        """Identifies the computation in provenance: partial, merge and result together."""
        rules = repr((sorted(self.merge.items()), self.keep))
        result = normalise(self.result_sql)
        text = "\n".join((self.partial_key, rules, result, macros_used(result)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def reads(self) -> frozenset[str]:
        """The names of the merged tables that its result reads."""
        return frozenset(re.findall(r"\bmerged\.(\w+)", self.result_sql))

    @property
    def calls(self) -> frozenset[str]:
        """The names of the functions that its result calls, other statistics' macros among them."""
        return frozenset(re.findall(r"\b(\w+)\(", self.result_sql)) - {self.name}

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def arguments(self, given: Mapping[str, object]) -> dict[str, Value]:
        """Check a user's parameters and fill in the defaults. Raises `UsageError`."""
        known = {param.name: param for param in self.params}
        for name in given:
            if name not in known:
                choices = ", ".join(known) or "it has none"
                raise UsageError(f"{self.name} has no parameter {name!r}; parameters: {choices}")
        return {name: param.parse(given[name]) if name in given else param.default for name, param in known.items()}


def exactness_word(statistic: Statistic) -> str:
    """exact, estimated, or "exact; estimated with kind = near" and the like."""
    if statistic.is_exact:
        return "exact"
    when = ", ".join(f"{name} = {value}" for name, value in statistic.approx_when.items() if name != ALWAYS)
    return f"exact; estimated with {when}" if when else "estimated"


def exactness_sentence(statistic: Statistic) -> str:
    """The same with the error of what is estimated."""
    word = exactness_word(statistic)
    return f"{word[:1].upper()}{word[1:]}{f': {statistic.approx}' if statistic.approx else '.'}"


def normalise(sql: str) -> str:
    """SQL without comments and with single spaces outside quotes, so that layout changes no key."""
    pieces = re.findall(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\s+|[^\s'\"/-]+|.", sql, re.DOTALL)
    kept = (" " if piece.isspace() or piece.startswith(("--", "/*")) else piece for piece in pieces)
    return re.sub(r" +", " ", "".join(kept)).strip().rstrip("; ")


@cache
def _macros() -> Mapping[str, str]:
    """The helper macros (`queries/macros.sql`) by name, normalised."""
    text = (queries_root() / "macros.sql").read_text(encoding="utf-8")
    found = [normalise(_clean(statement.query)) for statement in duckdb.extract_statements(text)]
    return {sql.removeprefix("create macro ").partition("(")[0]: sql for sql in found}


def macros_used(sql: str) -> str:
    """The helper macros that some SQL calls, directly or through others: they are part of its computation."""
    used: dict[str, str] = {}
    pending = [sql]
    while pending:
        called = set(re.findall(r"\b(\w+)\(", pending.pop()))
        for name in called & _macros().keys() - used.keys():
            used[name] = _macros()[name]
            pending.append(used[name])
    return "; ".join(used[name] for name in sorted(used))


def queries_root() -> Path:
    """The folder of statistics: inside an installed wheel, else beside the package in a checkout."""
    return site_root() / "queries"


def site_root() -> Path:
    """Where `app.py`, `pages/` and `queries/` are."""
    installed = Path(__file__).parent / "site"
    return installed if installed.is_dir() else Path(__file__).parents[1]


def read_statistic(path: Path) -> Statistic:
    """Read and check one file. Raises `StatisticError` naming the file and the fault."""
    try:
        return _read(path)
    except (StatisticError, tomllib.TOMLDecodeError, duckdb.Error, KeyError, TypeError, ValueError) as error:
        reason = f"missing {error}" if isinstance(error, KeyError) else str(error)
        raise StatisticError(f"{path.parent.name}/{path.name}: {reason}") from error


def _read(path: Path) -> Statistic:
    text = path.read_text(encoding="utf-8")
    match = _HEADER.match(text)
    if match is None:
        raise StatisticError("opens with no /* TOML header */")
    header = tomllib.loads(match[1])
    unknown = header.keys() - _FIELDS
    if unknown:
        raise StatisticError(f"unknown header fields: {', '.join(sorted(unknown))}")
    over = header.get("over")
    statements = [s.query for s in duckdb.extract_statements(text[match.end() :])]
    if len(statements) != (2 if over else 1):
        raise StatisticError(f"holds {len(statements)} statements, not {2 if over else 1}")
    if over is not None and over not in RELATIONS:
        raise StatisticError(f"over = {over!r} is not one of {', '.join(sorted(RELATIONS))}")
    name = path.stem
    if not _NAME.match(name):
        raise StatisticError(f"{name!r} is not a lower-case name")
    merge = dict(header.get("merge", {}))
    for column, rule in merge.items():
        if rule not in MERGE_RULES:
            raise StatisticError(f"merge.{column} = {rule!r} is not one of {', '.join(sorted(MERGE_RULES))}")
    keep = _keep(header["keep"]) if "keep" in header else None
    if over is not None and bool(merge) == bool(keep):
        raise StatisticError("a partial needs either [merge] or keep")
    columns = tuple(Column(name=key, **value) for key, value in header["columns"].items())
    for column_ in columns:
        if column_.unit not in UNITS:
            raise StatisticError(f"columns.{column_.name}: unit {column_.unit!r} is not in explorer.units")
    approx = header.get("approx", "")
    approx_when = dict(header.get("approx_when", {}))
    has_estimates = bool(approx_when) or any(column_.name.endswith("_approx") for column_ in columns)
    if bool(approx) != has_estimates:
        raise StatisticError("`approx` states the error of columns ..._approx, or of `approx_when`: both or neither")
    for name_, value in approx_when.items():
        choices = header.get("params", {}).get(name_, {}).get("choices") or ()
        if value not in choices and name_ not in (*header["columns"], ALWAYS):
            raise StatisticError(f"approx_when.{name_} = {value!r} is neither a choice of a parameter nor of a column")
    return Statistic(
        section=path.parent.name,
        name=name,
        title=header["title"],
        doc=header["doc"],
        over=over,
        order=header.get("order", 100),
        chart=header.get("chart", {}),
        params=tuple(_param(key, value) for key, value in header.get("params", {}).items()),
        merge=merge,
        keep=keep,
        columns=columns,
        approx=approx,
        approx_when=approx_when,
        partial_sql=_clean(statements[0]) if over else "",
        result_sql=_clean(statements[-1]),
    )


def _keep(fields: Mapping[str, Any]) -> Keep:
    return Keep(int(fields["top"]), tuple(fields["within"]), tuple(fields["order"]))


def _clean(statement: str) -> str:
    """A statement as it is shown: without the leading comment, the trailing semicolon and what follows it."""
    lines = statement.strip().split("\n")
    while lines and lines[0].startswith("--"):
        lines.pop(0)
    while lines and (lines[-1].startswith("--") or not lines[-1].strip()):
        lines.pop()
    return "\n".join(lines).rstrip().removesuffix(";").rstrip()


def _param(name: str, fields: Mapping[str, Any]) -> Param:
    return Param(name=name, **{**fields, "choices": tuple(fields.get("choices", ()))})


@cache
def load_statistics(root: Path | None = None) -> Mapping[str, Statistic]:
    """All statistics by name, in the order of the dashboard (section, then `order`, then name).

    Raises `StatisticError` when a file is wrong or a name occurs in two sections.
    """
    found: dict[str, Statistic] = {}
    paths = sorted(path for path in (root or queries_root()).glob("*/*.sql") if path.parent.name != "index")
    for path in paths:
        statistic = read_statistic(path)
        if statistic.name in found:
            raise StatisticError(
                f"{statistic.name} is both in {found[statistic.name].section}/ and {statistic.section}/"
            )
        found[statistic.name] = statistic
    return dict(sorted(found.items(), key=lambda item: (section_rank(item[1].section), item[1].order, item[0])))


def with_called(statistics: Iterable[Statistic]) -> list[Statistic]:
    """The statistics and those whose macros they call, each after what it calls."""
    known = load_statistics()
    ordered: dict[str, Statistic] = {}

    def add(statistic: Statistic) -> None:
        if statistic.name not in ordered:
            for name in sorted(statistic.calls & known.keys()):
                add(known[name])
            ordered[statistic.name] = statistic

    for statistic in statistics:
        add(statistic)
    return list(ordered.values())


SECTIONS = (
    "sources", "domains", "lengths", "time", "languages", "licences", "attributes", "duplicates", "filters",
    "integrity",
)  # fmt: skip


def section_rank(section: str) -> tuple[int, str]:
    """Known sections in the reading order of a datasheet, others after them by name."""
    return (SECTIONS.index(section) if section in SECTIONS else len(SECTIONS), section)


def sections() -> tuple[str, ...]:
    """The sections that have statistics, in reading order."""
    return tuple(dict.fromkeys(statistic.section for statistic in load_statistics().values()))


def find_statistic(name: str) -> Statistic:
    """A statistic by name. Raises `UsageError` with the nearest names."""
    import difflib

    statistics = load_statistics()
    if name in statistics:
        return statistics[name]
    near = difflib.get_close_matches(name, statistics, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "`corpus-explorer list` names them all"
    raise UsageError(f"no statistic is called {name!r}; {hint}")
