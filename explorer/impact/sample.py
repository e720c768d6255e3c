"""A small part of a large corpus, drawn once and kept beside the index, that answers for all of it at once.

A document is drawn by the MD5 of its source and id (of its text where it had no id): the same documents on every
machine, however the corpus is cut. Sources are strata: of a source with N documents the share 2^-k is drawn, with k
the same for all large sources; small ones are drawn with larger shares, down to all of them, so that none is missing.
The sample is an index of its own, of one part for each k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from explorer.attributes import MISSING, SPAN_SCHEMA, wide_schema
from explorer.errors import WorkspaceError
from explorer.impact.source import Source, SourcePart
from explorer.measures import INDEX_SCHEMA
from explorer.partials import connect
from explorer.relations import IndexedPart, IndexedSet, documents_relation, quote_literal
from explorer.workspace import digest, read_receipt, replacing, write_receipt

LEAST_DOCS = 3_000_000  # a corpus with fewer answers exactly soon enough
SAMPLE_DOCS = 100_000  # drawn of a large corpus: so many up to twice as many, and what is added of small sources
SOURCE_DOCS = 2_000  # drawn of a source at least, where it has them
MEASURES = ("n_docs", "n_bytes", "n_chars", "n_words", "n_tokens")
_VERSION = 1


@dataclass(frozen=True)
class SourceTotals:
    """What a source has in all and in the sample; counts by measure."""

    source: str | None
    level: int  # the share 2^-level of its documents is drawn
    whole: Mapping[str, int]
    drawn: Mapping[str, int]
    squares: Mapping[str, float]  # sums of squares over the drawn documents


@dataclass(frozen=True)
class Sample:
    """A sample that is there: the drawn documents as parts of an index, one for each level, and what they stand for."""

    parts: tuple[SourcePart, ...]
    levels: tuple[int, ...]  # of the parts
    totals: tuple[SourceTotals, ...]

    @property
    def n_docs(self) -> int:
        return sum(part.n_docs for part in self.parts)


def wants_sample(source: Source) -> bool:
    """Whether a corpus is so large that a first answer should come from a sample."""
    return source.n_docs >= LEAST_DOCS


def sample_of(source: Source) -> Sample | None:
    """The sample of a workspace; None where none was drawn since its last build."""
    path = _path(source)
    receipt = read_receipt(path)
    if receipt is None:
        return None
    totals = tuple(
        SourceTotals(t["source"], t["level"], t["whole"], t["drawn"], t["squares"]) for t in receipt["totals"]
    )
    levels = {int(level): int(n_docs) for level, n_docs in receipt["levels"].items()}
    parts = tuple(_part(source, path, level, n_docs) for level, n_docs in sorted(levels.items()))
    return Sample(parts, tuple(sorted(levels)), totals)


def draw_sample(
    source: Source,
    *,
    memory: int = 1 << 30,
    sample_docs: int = SAMPLE_DOCS,
    source_docs: int = SOURCE_DOCS,
    progress: Callable[[float], None] = lambda share: None,
) -> Sample:
    """Draw the sample of a workspace and write it into its folder `index/samples`; the last one goes.

    Reads all of the index but the long form of the values, once. Raises `StorageError` where the disk refuses.
    """
    path = _path(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    with connect(memory, path.with_suffix(".writing-spill"), threads=2) as connection:
        totals = _levels(connection, source, sample_docs, source_docs)
        _create(connection, source)
        first_shard = 0
        done = 0
        for part in source.parts:
            _draw(connection, source, part, first_shard)
            first_shard += len(part.shards)
            done += part.n_docs
            progress(done / max(1, source.n_docs))
        drawn = {row[0]: row[1:] for row in connection.execute(_DRAWN).fetchall()}
        levels = dict(connection.execute("select level, count(*) from documents group by level order by 1").fetchall())
        files = [file for level in levels for file in _write(connection, source, path, level)]
    receipt = {
        "levels": levels,
        "totals": [
            {
                "source": name,
                "level": level,
                "whole": whole,
                "drawn": dict(zip(MEASURES, drawn[name][: len(MEASURES)], strict=True)),
                "squares": dict(zip(MEASURES, drawn[name][len(MEASURES) :], strict=True)),
            }
            for name, level, whole in totals
            if name in drawn
        ],
    }
    write_receipt(path, receipt, files)
    kept = {path.with_suffix(".json"), *files}
    for old in path.parent.iterdir():
        if old not in kept and old.is_file():
            old.unlink(missing_ok=True)
    found = sample_of(source)
    if found is None:
        raise WorkspaceError(f"{path.parent}: the sample that was just written is gone; draw it again")
    return found


def _path(source: Source) -> Path:
    parts = sorted((part.indexed.key, sorted(part.manifest["sets"].items())) for part in source.parts)
    name = digest(_VERSION, parts, sorted(source.config.attribute_columns.items()))
    return source.root / "index" / "samples" / f"{name}.parquet"


def _file(path: Path, level: int, name: str) -> Path:
    return path.with_name(f"{path.stem}.{level}.{name}.parquet")


def _part(source: Source, path: Path, level: int, n_docs: int) -> SourcePart:
    """The part of one level: its shards are those of all parts, one after the other."""
    sets = tuple(
        IndexedSet(name, _file(path, level, f"set{n}"), path, _file(path, level, f"spans{n}"), attributes)
        for n, (name, attributes) in enumerate(source.sets.items())
    )
    shards = tuple(shard for part in source.parts for shard in part.shards)
    indexed = IndexedPart(f"{path.stem}_{level}", _file(path, level, "documents"), n_docs, len(shards), sets)
    short: dict[str, dict[int, int]] = {}
    first = 0
    for part in source.parts:
        for name, counts in part.short.items():
            short.setdefault(name, {}).update({first + shard: n for shard, n in counts.items()})
        first += len(part.shards)
    # what else is known of attributes is asked of the whole workspace
    return replace(source.parts[0], indexed=indexed, shards=shards, short=short, misaligned={}, absent={}, manifest={})


_SUMS = ", ".join(("count(*)::bigint", *(f"coalesce(sum({name}), 0)::bigint" for name in MEASURES[1:])))
_SQUARES = ", ".join(("count(*)::double", *(f"coalesce(sum({n}::double * {n} order by {n}), 0)" for n in MEASURES[1:])))
_DRAWN = f"select source, {_SUMS}, {_SQUARES} from weighed group by source order by source"


def _levels(
    connection: duckdb.DuckDBPyConnection, source: Source, sample_docs: int, source_docs: int
) -> list[tuple[str | None, int, dict[str, int]]]:
    """Create the table `levels`: source and level; returns (source, level, its totals)."""
    selects = [documents_relation(part.indexed, source.config.attribute_columns) for part in source.parts]
    union = " union all ".join(f"select source, {', '.join(MEASURES[1:])} from ({select})" for select in selects)
    found = connection.execute(f"select source, {_SUMS} from ({union}) group by source order by source").fetchall()
    highest = _level(source.n_docs, sample_docs)
    rows = [(row[0], min(highest, _level(row[1], source_docs)), row[1:]) for row in found]
    connection.execute("create table levels (source varchar, level integer)").fetchall()
    connection.executemany("insert into levels values (?, ?)", [row[:2] for row in rows])
    return [(name, level, dict(zip(MEASURES, counts, strict=True))) for name, level, counts in rows]


def _level(n_docs: int, wanted: int) -> int:
    """The largest k at which about 2^-k of the documents are still as many as are wanted."""
    return max(0, (n_docs // max(1, wanted)).bit_length() - 1)


def _create(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Empty tables of what is drawn."""
    schemas = {"documents": INDEX_SCHEMA}
    for n, attributes in enumerate(source.sets.values()):
        schemas |= {f"set{n}": wide_schema(attributes), f"spans{n}": SPAN_SCHEMA}
    for name, schema in schemas.items():
        connection.register("empty", schema.empty_table())
        connection.execute(f"create table {name} as select 0::integer as level, * from empty").fetchall()
        connection.unregister("empty")
    connection.execute(
        "create table weighed (source varchar, n_bytes bigint, n_chars bigint, n_words bigint, n_tokens bigint)"
    ).fetchall()


def _draw(connection: duckdb.DuckDBPyConnection, source: Source, part: SourcePart, first_shard: int) -> None:
    """Add what is drawn of one part."""
    run = connection.execute
    run(
        "create or replace temp table chosen as select d.doc as old, l.level, (coalesce(n, 0) + row_number() over "
        "(partition by l.level order by d.doc) - 1)::integer as doc from read_parquet($documents) as d "
        "join levels as l on l.source is not distinct from d.source "
        "left join (select level, count(*) as n from documents group by level) as s on s.level = l.level "
        "where l.level = 0 or md5_number_upper(coalesce(d.source, '') || chr(31) || "
        "if(d.is_id_given, d.id, coalesce(d.text_md5::varchar, d.id))) >> (64 - l.level) = 0",
        {"documents": str(part.indexed.documents)},
    ).fetchall()
    weights = ", ".join(f"d.{name}" for name in MEASURES[1:])
    filled = documents_relation(part.indexed, source.config.attribute_columns)
    run(
        f"insert into weighed select d.source, {weights} from ({filled}) as d join chosen as c on c.old = d.doc"
    ).fetchall()
    run(
        f"insert into documents by name select c.level, c.doc, (d.shard + {first_shard})::integer as shard, "
        f"d.* exclude (doc, shard) from read_parquet({quote_literal(str(part.indexed.documents))}) as d "
        "join chosen as c on c.old = d.doc"
    ).fetchall()
    for n, name in enumerate(source.sets):
        found = part.indexed.find(name)
        if found is None:
            run(f"insert into set{n} by name select level, doc, '{MISSING}' as state from chosen").fetchall()
            continue
        run(
            f"insert into set{n} by name select c.level, c.doc, s.* exclude (doc) "
            f"from read_parquet({quote_literal(str(found.path))}) as s join chosen as c on c.old = s.doc"
        ).fetchall()
        run(
            f"insert into spans{n} by name select c.level, c.doc, s.* exclude (doc) "
            f"from read_parquet({quote_literal(str(found.spans))}) as s join chosen as c on c.old = s.doc"
        ).fetchall()


def _write(connection: duckdb.DuckDBPyConnection, source: Source, path: Path, level: int) -> Iterator[Path]:
    names = ["documents", *(f"{kind}{n}" for n in range(len(source.sets)) for kind in ("set", "spans"))]
    for name in names:
        target = _file(path, level, name)
        order = "doc, attribute, i" if name.startswith("spans") else "doc"
        with replacing(target) as temporary:
            connection.execute(
                f"copy (select * exclude (level) from {name} where level = {int(level)} order by {order}) "
                f"to {quote_literal(str(temporary))} (format parquet, compression zstd, row_group_size 20480)"
            ).fetchall()
        yield target
