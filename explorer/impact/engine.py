"""What a recipe does to a workspace: the statistics of queries/filters, computed over the index for any recipe.

The recipe's conditions become the relation `hits` (and, for span rules, `cuts`) of each part; partials, merging and
results are those of every other statistic. Nothing is written into the workspace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from explorer.catalogue import add_statistic, merge_into, sql_value
from explorer.errors import UsageError
from explorer.impact.bind import BoundRecipe, BoundStream, bind
from explorer.impact.cache import DEFAULT_BUDGET, Inputs
from explorer.impact.cuts import Reader, create_effects, cuts_relation
from explorer.impact.hits import MORE, hits_relation, stream_condition
from explorer.impact.inputs import inputs_relation
from explorer.impact.source import Source, SourcePart
from explorer.impact.tables import write_recipe_tables
from explorer.partials import connect
from explorer.recipe.model import Recipe
from explorer.relations import quote_identifier
from explorer.statistic import Statistic, find_statistic, load_statistics, with_called

SECTION = "filters"
DEFAULT_MEMORY = 1 << 30
LEAST_MEMORY = 128 << 20
Progress = Callable[[float], None]


def ignore(share: float) -> None:
    """No one watches."""


class Desk:
    """What the impacts of several recipes on one workspace share: a connection, its macros, the inputs in memory.

    The tables of one recipe at a time are there; the next one's take their place.
    """

    def __init__(self, threads: int, memory: int, budget: int) -> None:
        self.connection = connect(memory, threads=threads)
        self.connection.execute("set parquet_metadata_cache = true").fetchall()
        self.connection.execute("create schema merged").fetchall()
        self.inputs = Inputs(self.connection, budget)
        self.macros: set[str] = set()
        self.merged: set[str] = set()
        self._recipe_tables: list[str] = []
        self.user: Impact | None = None  # whose tables are there
        self.n_users = 0

    def seat(self, user: Impact) -> None:
        """Replace the tables of the last recipe by those of another."""
        if self.user is user:
            return
        self.user = None  # nobody's, should something fail on the way
        run = self.connection.execute
        for name in (*self._recipe_tables, *(f"merged.{name}" for name in self.merged)):
            run(f"drop table if exists {name}").fetchall()
        write_recipe_tables(
            self.connection, [user.bound], user.source, exact=user.reader is not None, has_comments=False
        )
        if not self._recipe_tables:
            found = run("select table_name from duckdb_tables() where not temporary").fetchall()
            self._recipe_tables = [str(name) for (name,) in found]
        self.merged.clear()
        self.user = user

    def leave(self, user: Impact) -> None:
        self.n_users -= 1
        if self.user is user:
            self.user = None
        if not self.n_users:
            self.connection.close()


class Impact:
    """One recipe on one workspace. Not safe to share between threads, nor are two that share a desk.

    With `exact`, what span rules leave is counted in the texts of the documents that they touch, which are read again;
    without, bytes, words and tokens after replacement (and what a minimum length removes of these) are estimates.
    `memory` bounds the engine, and `budget` the part of it that holds inputs for the next recipe, in bytes.
    Raises `UsageError` where the recipe asks what the index cannot answer, naming the expression.
    """

    is_sample = False

    def __init__(
        self,
        source: Source,
        recipe: Recipe,
        *,
        only_stream: str = "",
        exact: bool = False,
        threads: int = 2,
        memory: int = DEFAULT_MEMORY,
        budget: int = DEFAULT_BUDGET,
        progress: Progress = ignore,
        desk: Desk | None = None,
    ) -> None:
        self.source = source
        self.bound = bind(recipe, source, only_stream)
        self.progress = progress
        self.reader = Reader(source.root, source.token_counter) if exact else None
        self._desk = desk or Desk(threads, memory, budget)
        self._desk.n_users += 1
        self._is_open = True

    def with_recipe(self, recipe: Recipe, *, only_stream: str = "") -> Impact:
        """Another recipe on the same workspace; what was read of the index for this one is not read again.

        Both stay valid, and each is to be closed; they share an engine, so that only one works at a time.
        """
        return Impact(
            self.source, recipe, only_stream=only_stream, exact=self.reader is not None, progress=self.progress,
            desk=self._desk,
        )  # fmt: skip

    @property
    def parts(self) -> Sequence[SourcePart]:
        """What the numbers are counted on."""
        return self.source.parts

    @property
    def n_sampled(self) -> int:
        """Documents that the numbers are counted on: all."""
        return sum(part.n_docs for part in self.parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._desk.leave(self)

    def run(self, name: str, **parameters: object) -> pl.DataFrame:
        """A statistic of the section `filters` for this recipe. Raises `UsageError` for a wrong name or parameter."""
        statistic = find_statistic(name)
        if statistic.section != SECTION:
            raise UsageError(f"{name} is no statistic of filter impact; `corpus-explorer show {name}` prints it")
        arguments = statistic.arguments(parameters)
        self.compute([statistic])
        given = ", ".join(f"{param.name} := {sql_value(arguments[param.name])}" for param in statistic.params)
        frame = self.connection.sql(f"from {statistic.name}({given})").pl()
        assert isinstance(frame, pl.DataFrame)
        return frame

    def errors(self, name: str, **parameters: object) -> Mapping[str, pl.Series]:
        """Standard errors of a statistic's columns, row by row: none, these numbers are counted."""
        return {}

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The engine, for queries over `inputs` and `hits` once they are prepared."""
        self._desk.seat(self)
        return self._desk.connection

    def prepare(self, part: SourcePart) -> tuple[list[BoundStream], bool]:
        """Create `inputs` and `effects` of a part; the streams with documents there, and whether there are effects."""
        return prepare_inputs(self.connection, self.bound, part, MORE, self.reader)

    def hits(self, part: SourcePart, *, as_table: bool = False) -> bool:
        """Create `hits` of a part (empty where no stream has documents there); whether there are `effects` too."""
        return prepare_hits(self.connection, self.bound, part, as_table=as_table, reader=self.reader)

    def compute(self, statistics: Iterable[Statistic]) -> None:
        """Compute what these statistics read and has not been computed: all of it in one pass over the parts."""
        connection, desk = self.connection, self._desk
        known = load_statistics()
        wanted = with_called(statistics)
        missing = [known[name] for name in sorted({n for s in wanted for n in s.reads} - desk.merged)]
        if missing:
            self._merge(missing)
        for statistic in wanted:
            if statistic.name not in desk.macros:
                add_statistic(connection, statistic)
                desk.macros.add(statistic.name)

    def _counted(self, statistic: Statistic, part: SourcePart, partial: str) -> str:
        """SQL of a part's partial as it counts."""
        return partial

    def _merge(self, statistics: Sequence[Statistic]) -> None:
        """Create the merged tables of statistics out of the partials of all parts."""
        connection, desk = self.connection, self._desk
        # a partial of everything is merged as it is
        tables = {
            s.name: f"{'merged.' if len(self.parts) == 1 and s.keep is None else 'temp.partial_'}{s.name}"
            for s in statistics
        }
        made: set[str] = set()
        done = 0
        for part in self.parts:
            for statistic, query in part_partials(connection, self.bound, part, statistics, self.reader, desk.inputs):
                table = tables[statistic.name]
                kind = "table" if table.startswith("merged.") else "temp table"
                start = f"insert into {table}" if statistic.name in made else f"create or replace {kind} {table} as"
                partial = self._counted(statistic, part, _with_names(connection, query))
                connection.execute(f"{start} {partial}").fetchall()
                made.add(statistic.name)
            done += part.n_docs
            self.progress(done / max(1, self.n_sampled))
        for statistic in statistics:
            table = tables[statistic.name]
            if statistic.name in made and not table.startswith("merged."):
                merge_into(connection, statistic, table)
                connection.execute(f"drop table {table}").fetchall()
        desk.merged |= made


def part_partials(
    connection: duckdb.DuckDBPyConnection,
    bound: BoundRecipe,
    part: SourcePart,
    statistics: Sequence[Statistic],
    reader: Reader | None = None,
    inputs: Inputs | None = None,
) -> Iterable[tuple[Statistic, str]]:
    """The partials of one part as SQL, to be run before the next one is asked for: (statistic, query).

    The relation `part` is made anew for each kind of relation that they read. `inputs` are kept in memory for the next
    recipe; without, for these statistics only.
    """
    has_spans = any(stream.spans for stream in bound.streams)
    has_effects = has_spans and prepare_inputs(connection, bound, part, MORE, reader)[1]
    more = [name for name in MORE if _is_read(name, bound, statistics)]
    with (inputs or Inputs(connection, budget=0)).part(part, bound, more) as places:
        streams = [stream for stream in bound.streams if stream.shards(part)] or bound.streams[:1]
        hits = hits_relation(bound, streams, more, has_effects=has_effects, places=places)
        connection.execute(f"create or replace temp view hits as {hits}").fetchall()
        for over in sorted({s.over for s in statistics if s.over}):
            relation = cuts_relation(has_effects) if over == "cuts" else "from hits"
            connection.execute(f"create or replace temp view part as {relation}").fetchall()
            for statistic in statistics:
                if statistic.over == over:
                    yield statistic, statistic.partial_sql


def _is_read(name: str, bound: BoundRecipe, statistics: Sequence[Statistic]) -> bool:
    """Whether a column of the documents is needed for some statistics' partials."""
    if name == "n_bytes_trimmed":
        return any(rule.kind == "length" for rule in bound.rules)
    if name == "n_chars" and any(s.over == "cuts" for s in statistics):
        return True
    return any(re.search(rf"\b{name}(_after)?\b", s.partial_sql) for s in statistics)


def _with_names(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """The query with names as text: in memory they are numbers of a part's own."""
    relation = connection.sql(query)
    numbered = [n for n, kind in zip(relation.columns, relation.types, strict=True) if kind.id == "enum"]
    casts = ", ".join(f"{quote_identifier(n)}::varchar as {quote_identifier(n)}" for n in numbered)
    return f"select *{f' replace ({casts})' if casts else ''} from ({query})"


def prepare_inputs(
    connection: duckdb.DuckDBPyConnection,
    bound: BoundRecipe,
    part: SourcePart,
    more: Sequence[str],
    reader: Reader | None = None,
) -> tuple[list[BoundStream], bool]:
    """Create `inputs` and `effects` of one part; the streams with documents there, and whether there are effects."""
    taken = [stream_condition(part, stream) for stream in bound.streams]
    relation = inputs_relation(part, bound.needs, taken, more)
    connection.execute(f"create or replace temp view inputs as {relation}").fetchall()
    streams = [stream for stream in bound.streams if stream.shards(part)]
    return streams, create_effects(connection, part, streams, reader)


def prepare_hits(
    connection: duckdb.DuckDBPyConnection,
    bound: BoundRecipe,
    part: SourcePart,
    *,
    as_table: bool,
    reader: Reader | None = None,
) -> bool:
    """Create `inputs`, `effects` and `hits` of one part on a connection; whether there are effects of span rules."""
    streams, has_effects = prepare_inputs(connection, bound, part, MORE, reader)
    query = hits_relation(bound, streams or bound.streams[:1], has_effects=has_effects)
    if as_table:
        connection.execute(f"create or replace temp table hits_of_part as {query}").fetchall()
        query = "from hits_of_part"
    connection.execute(f"create or replace temp view hits as {query}").fetchall()
    return has_effects
