"""What a recipe does to a workspace: the statistics of queries/filters, computed over the index for any recipe.

The recipe's conditions become the relation `hits` (and, for span rules, `cuts`) of each part; partials, merging and
results are those of every other statistic. Nothing is written into the workspace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
import duckdb
import polars as pl

from explorer.catalogue import add_statistic, merge_into, sql_value
from explorer.errors import UsageError
from explorer.impact.bind import BoundRecipe, BoundStream, bind
from explorer.impact.cuts import Reader, create_effects, cuts_relation
from explorer.impact.hits import hits_relation
from explorer.impact.inputs import inputs_relation
from explorer.impact.source import Source, SourcePart
from explorer.impact.tables import write_recipe_tables
from explorer.partials import connect
from explorer.recipe.model import Recipe
from explorer.relations import quote_identifier
from explorer.statistic import Statistic, find_statistic, load_statistics, with_called

SECTION = "filters"
BROKEN_DOWN = ("language", "domain")  # columns of the documents that removals are also given by
DEFAULT_MEMORY = 1 << 30
Progress = Callable[[float], None]


def ignore(share: float) -> None:
    """No one watches."""


class Impact:
    """One recipe on one workspace. Not safe to share between threads.

    With `exact`, what span rules leave is counted in the texts of the documents that they touch, which are read again;
    without, bytes, words and tokens after replacement (and what a minimum length removes of these) are estimates.
    Raises `UsageError` where the recipe asks what the index cannot answer, naming the expression.
    """

    def __init__(
        self,
        source: Source,
        recipe: Recipe,
        *,
        only_stream: str = "",
        exact: bool = False,
        threads: int = 2,
        memory: int = DEFAULT_MEMORY,
        progress: Progress = ignore,
    ) -> None:
        self.source = source
        self.bound = bind(recipe, source, only_stream)
        self.progress = progress
        self.reader = Reader(source.root, source.token_counter) if exact else None
        self._connection = connect(memory, threads=threads)
        self._made: set[str] = set()
        self._connection.execute("create schema merged").fetchall()
        write_recipe_tables(self._connection, [self.bound], source, exact=exact)

    def __enter__(self) -> Impact:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def run(self, name: str, **parameters: object) -> pl.DataFrame:
        """A statistic of the section `filters` for this recipe. Raises `UsageError` for a wrong name or parameter."""
        statistic = find_statistic(name)
        if statistic.section != SECTION:
            raise UsageError(f"{name} is no statistic of filter impact; `corpus-explorer show {name}` prints it")
        arguments = statistic.arguments(parameters)
        self._prepare([statistic])
        given = ", ".join(f"{param.name} := {sql_value(arguments[param.name])}" for param in statistic.params)
        frame = self._connection.sql(f"from {statistic.name}({given})").pl()
        assert isinstance(frame, pl.DataFrame)
        return frame

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The engine, for queries over `inputs` and `hits` once they are prepared."""
        return self._connection

    def prepare(self, part: SourcePart) -> tuple[list[BoundStream], bool]:
        """Create `inputs` and `effects` of a part; the streams with documents there, and whether there are effects."""
        return prepare_inputs(self._connection, self.bound, part, BROKEN_DOWN, self.reader)

    def hits(self, part: SourcePart, *, as_table: bool = False) -> bool:
        """Create `hits` of a part (empty where no stream has documents there); whether there are `effects` too."""
        return prepare_hits(self._connection, self.bound, part, BROKEN_DOWN, as_table=as_table, reader=self.reader)

    def _prepare(self, statistics: Iterable[Statistic]) -> None:
        """Compute what these statistics read and has not been computed: all of it in one pass over the parts."""
        known = load_statistics()
        wanted = [s for s in with_called(statistics) if s.name not in self._made]
        needed = {name for s in wanted for name in s.reads}
        missing = [known[name] for name in sorted(needed) if f"merged.{name}" not in self._made]
        if missing:
            self._compute(missing)
        for statistic in wanted:
            add_statistic(self._connection, statistic)
            self._made.add(statistic.name)

    def _compute(self, statistics: Sequence[Statistic]) -> None:
        done = 0
        for part in self.source.parts:
            tables = part_partials(self._connection, self.bound, part, statistics, self.reader)
            for statistic, relation in tables:
                table = f"partial_{statistic.name}"
                made = "insert into" if table in self._made else "create table"
                as_ = "" if table in self._made else " as"
                self._connection.execute(f"{made} {table}{as_} {relation}").fetchall()
                self._made.add(table)
            done += part.n_docs
            self.progress(done / max(1, self.source.n_docs))
        for statistic in statistics:
            if f"partial_{statistic.name}" in self._made:
                merge_into(self._connection, statistic, f"partial_{statistic.name}")
                self._connection.execute(f"drop table partial_{statistic.name}").fetchall()
                self._made.discard(f"partial_{statistic.name}")
                self._made.add(f"merged.{statistic.name}")


def part_partials(
    connection: duckdb.DuckDBPyConnection,
    bound: BoundRecipe,
    part: SourcePart,
    statistics: Sequence[Statistic],
    reader: Reader | None = None,
) -> Iterable[tuple[Statistic, str]]:
    """The partials of one part as SQL, to be run before the next one is asked for: (statistic, query).

    The relation `part` is made anew for each kind of relation that they read.
    """
    is_simple = len(statistics) == 1 and statistics[0].over == "hits"
    more = [] if is_simple and statistics[0].name == "filter_intersections" else list(BROKEN_DOWN)
    has_effects = prepare_hits(connection, bound, part, more, as_table=not is_simple, reader=reader)
    for over in sorted({s.over for s in statistics if s.over}):
        relation = cuts_relation(has_effects) if over == "cuts" else "from hits"
        connection.execute(f"create or replace temp view part as {relation}").fetchall()
        for statistic in statistics:
            if statistic.over == over:
                yield statistic, statistic.partial_sql


def prepare_inputs(
    connection: duckdb.DuckDBPyConnection,
    bound: BoundRecipe,
    part: SourcePart,
    more: Sequence[str],
    reader: Reader | None = None,
) -> tuple[list[BoundStream], bool]:
    """Create `inputs` and `effects` of one part; the streams with documents there, and whether there are effects."""
    shards = bound.stream_shards(part)
    relation = inputs_relation(part, bound.needs, shards, more)
    connection.execute(f"create or replace temp view inputs as {relation}").fetchall()
    streams = [s for s in bound.streams if shards[s.number]]
    return streams, create_effects(connection, part, streams, reader)


def prepare_hits(
    connection: duckdb.DuckDBPyConnection,
    bound: BoundRecipe,
    part: SourcePart,
    more: Sequence[str] = (),
    *,
    as_table: bool,
    reader: Reader | None = None,
) -> bool:
    """Create `inputs`, `effects` and `hits` of one part on a connection; whether there are effects of span rules."""
    streams, has_effects = prepare_inputs(connection, bound, part, more, reader)
    hits = hits_relation(bound, streams or bound.streams[:1], more, has_effects=has_effects)
    _replace(connection, "hits", hits, as_table=as_table)
    return has_effects


def _replace(connection: duckdb.DuckDBPyConnection, name: str, query: str, *, as_table: bool) -> None:
    """A temporary relation in place of the last one, whichever kind that was."""
    kinds = dict(
        connection.execute(
            "select table_name, table_type from information_schema.tables where table_name = $name", {"name": name}
        ).fetchall()
    )
    if name in kinds:
        kind = "view" if kinds[name] == "VIEW" else "table"
        connection.execute(f"drop {kind} {quote_identifier(name)}").fetchall()
    connection.execute(f"create temp {'table' if as_table else 'view'} {quote_identifier(name)} as {query}").fetchall()
