"""The inputs of recipes in memory, so that one recipe after another can be tried with the index read once.

For each part a table holds, a row a document, what every answer is given by, and the answers to the conditions of a
recipe as bits: `known_0`, `known_1`, ... A condition that is new (a moved threshold) is answered from the columns that
it looks at; these are read at their first touch and stay as long as there is room. What only the other conditions look
at is never kept: some 21 bytes a document, whatever the number of rules.

The rows of all index files are in the order of the documents. So each file is scanned by itself, down to a few bytes
a document, and the scans are put together by position: a third faster than a join, in less memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from explorer.errors import WorkspaceError
from explorer.impact.bind import BoundRecipe
from explorer.impact.hits import NOTHING, WORD, Places, n_words_of, stream_condition, test_sql, word_sql
from explorer.impact.inputs import WEIGHTS, columns_of, home_of, home_relation
from explorer.impact.source import SourcePart
from explorer.impact.sql_logic import FALSE, TRUE
from explorer.relations import quote_identifier

DEFAULT_BUDGET = 512 << 20
BASE = ("source", *WEIGHTS)
_NAMES = ("source", "language", "domain")  # held as numbers
_COUNTS = ("n_bytes", "n_bytes_trimmed", "n_chars", "n_words", "n_tokens")  # held in four bytes where they fit
_COLUMN_BYTES = 8  # a document, about


@dataclass(frozen=True)
class _Table:
    """A part's table: which conditions it has answered, and its columns."""

    name: str
    places: Places
    columns: frozenset[str]

    def answers(self, condition: str, bound: BoundRecipe) -> bool:
        return condition in self.places or columns_of(condition, bound.needs) <= self.columns


class Inputs:
    """The tables of a workspace's parts, on one connection. `budget` bounds them, in bytes: a part whose table goes
    beyond it is dropped once it was used, and read from its files again the next time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, budget: int = DEFAULT_BUDGET) -> None:
        self._connection = connection
        self._budget = budget
        self._tables: dict[str, _Table] = {}  # by the part's key

    @contextmanager
    def part(self, part: SourcePart, bound: BoundRecipe, columns: Sequence[str]) -> Iterator[Places]:
        """Create the relation `inputs` of a part out of memory; yields where the answers to conditions are.

        Columns: doc, source, n_bytes, n_words, n_tokens, `columns` of the documents, in_<k> (whether the document is
        in stream k), those of the answers, and what conditions look at that were not answered.
        """
        streams = [stream_condition(part, stream) for stream in bound.streams]
        rules = [c for s in bound.streams for r in s.rules if r.rule.kind != "length" for c in (r.holds, r.fails)]
        conditions = [c for c in dict.fromkeys((*streams, *rules)) if c not in (TRUE, FALSE)]
        last = self._tables.get(part.indexed.key)
        table = self._table(part, bound, conditions, {*BASE, *columns})
        taken = ", ".join(f"{test_sql(condition, table.places)} as in_{k}" for k, condition in enumerate(streams))
        self._run(
            f"create or replace temp view inputs as select rowid::integer as doc, *, {taken} from temp.{table.name}"
        )
        try:
            yield table.places
        finally:
            if table is not last and self._used() > self._budget:
                self._run("drop view temp.inputs")
                self._run(f"drop table temp.{table.name}")
                self._tables.pop(part.indexed.key, None)

    def _run(self, query: str) -> None:
        self._connection.execute(query).fetchall()

    def _used(self) -> int:
        """Bytes of all tables in memory."""
        found = self._connection.execute(
            "select sum(memory_usage_bytes) from duckdb_memory() where tag = 'IN_MEMORY_TABLE'"
        ).fetchall()
        return int(found[0][0] or 0)

    def _table(self, part: SourcePart, bound: BoundRecipe, conditions: Sequence[str], columns: set[str]) -> _Table:
        """The part's table, with the answers to some conditions or what they look at, and with some columns."""
        old = self._tables.get(part.indexed.key)
        if old is not None:
            if columns <= old.columns and all(old.answers(c, bound) for c in conditions):
                return old
            for condition in conditions:
                if condition not in old.places:  # who moved it once will move it again
                    columns = columns | columns_of(condition, bound.needs)
            n_new = len(columns - old.columns)
            if self._used() + n_new * _COLUMN_BYTES * part.n_docs <= self._budget:
                columns = columns | old.columns
        try:
            table = self._build(part, bound, old, conditions, columns, narrow=True)
        except duckdb.ConversionException:  # a document of 2 GiB and more
            table = self._build(part, bound, old, conditions, columns, narrow=False)
        self._tables[part.indexed.key] = table
        return table

    def _build(
        self,
        part: SourcePart,
        bound: BoundRecipe,
        old: _Table | None,
        conditions: Sequence[str],
        columns: set[str],
        *,
        narrow: bool,
    ) -> _Table:
        """A table out of the part's last one and of scans of the files that have what it lacks."""
        asked: dict[str, list[str]] = {}
        wanted: dict[str, list[str]] = {}
        for condition in conditions:
            if old is None or not old.answers(condition, bound):
                asked.setdefault(home_of(columns_of(condition, bound.needs), bound.needs), []).append(condition)
        for column in sorted(columns if old is None else columns - old.columns):
            wanted.setdefault(home_of({column}, bound.needs), []).append(column)
        sources: list[str] = []
        items: list[str] = []
        places: dict[str, tuple[str, int]] = {}
        if old is not None:
            sources.append(f"temp.{old.name} as old")
            items += [f"old.{quote_identifier(column)}" for column in sorted(columns & old.columns)]
            places |= _at("old.", old.places)
        scans: list[str] = []
        for home in sorted({*asked, *wanted}):
            scan = f"scan_{len(scans)}"
            scans.append(scan)
            own = asked.get(home, [])
            relation = home_relation(part, bound.needs, home)
            read = [self._read(column, relation, part, narrow=narrow) for column in wanted.get(home, [])]
            self._run(
                f"create or replace temp table {scan} as "
                f"select {', '.join((*read, *_words(own, NOTHING)))} from ({relation})"
            )
            self._check_rows(scan, part)
            items += [f"{scan}.{quote_identifier(column)}" for column in wanted.get(home, [])]
            places |= _at(f"{scan}.", _places(own))
            sources.append(f"temp.{scan}")
        name = f"held_{part.indexed.key}"
        fresh = f"fresh_{part.indexed.key}"
        selected = ", ".join((*items, *_words(conditions, places)))
        self._run(f"create or replace temp table {fresh} as select {selected} from {' positional join '.join(sources)}")
        for table in (*scans, name):
            self._run(f"drop table if exists temp.{table}")
        self._run(f"alter table temp.{fresh} rename to {name}")
        return _Table(name, _places(conditions), frozenset(columns))

    def _read(self, column: str, relation: str, part: SourcePart, *, narrow: bool) -> str:
        """A column as it is held."""
        quoted = quote_identifier(column)
        if column in _NAMES:
            names = quote_identifier(f"{column}_of_{part.indexed.key}")
            self._run(
                f"create or replace type {names} as enum "
                f"(select distinct {quoted} from ({relation}) where {quoted} is not null order by 1)"
            )
            return f"{quoted}::{names} as {quoted}"
        if column in _COUNTS and narrow:
            return f"{quoted}::integer as {quoted}"
        return quoted

    def _check_rows(self, table: str, part: SourcePart) -> None:
        found = self._connection.execute(f"select count(*) from temp.{table}").fetchall()
        if found[0][0] != part.n_docs:
            raise WorkspaceError(
                f"part {part.indexed.key} has {part.n_docs} documents, and one of its index files {found[0][0]} rows; "
                "build the workspace again to restore it"
            )


def _places(conditions: Sequence[str]) -> Places:
    """Where the columns of `_words` have the answers."""
    return {condition: (f"known_{n // WORD}", n % WORD) for n, condition in enumerate(conditions)}


def _at(prefix: str, places: Places) -> Places:
    return {condition: (prefix + column, bit) for condition, (column, bit) in places.items()}


def _words(conditions: Sequence[str], places: Places) -> list[str]:
    """SQL of the answers to conditions, as the columns known_0, known_1, ..."""
    n_words = n_words_of(len(conditions)) if conditions else 0
    return [f"{word_sql(conditions, word, places)} as known_{word}" for word in range(n_words)]
