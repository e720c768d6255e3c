"""The tasks that find duplicates: over one part of the corpus, or over one bucket of keys of all parts.

Each writes one or two files from others, with a DuckDB of its own; the SQL is in `queries/index/`. A bucket is a range
of hashes, so equal keys meet in one bucket whatever part they come from, and none needs more memory than its range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import duckdb

from explorer.errors import ExplorerError
from explorer.partials import connect
from explorer.relations import quote_literal
from explorer.statistic import queries_root
from explorer.workspace import TEMPORARY, replacing, storage_failure

Progress = Callable[[float], None]
_GROUP_ROWS = 65_536  # of the files that are read by ranges


@dataclass(frozen=True)
class Job:
    """What all tasks need: where to spill, the sources by number, and the memory of one task in bytes."""

    folder: Path
    order: tuple[str, ...]
    memory: int


def stage_sql(name: str) -> str:
    """A query of the stages, from `queries/index/`."""
    return (queries_root() / "index" / f"{name}.sql").read_text(encoding="utf-8")


def source_order(order: Sequence[str]) -> str:
    """A relation `(source, number, mask)`; bit number n of the mask, from the left, is source number n."""
    if not order:
        return "(select null::varchar as source, null::integer as number, null::bit as mask where false)"
    rows = (
        f"({quote_literal(source)}, {number}, '{'0' * number}1{'0' * (len(order) - number - 1)}'::bit)"
        for number, source in enumerate(order)
    )
    return f"(select * from (values {', '.join(rows)}) as t(source, number, mask))"


@contextmanager
def engine(job: Job, target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB for the task that writes `target`, with the table `source_order`."""
    spill = job.folder / f"{target.stem}{TEMPORARY}spill"
    with connect(job.memory, spill, has_macros=False) as connection:
        # the order of rows is asked for where it matters; keeping it elsewhere takes memory
        connection.execute("set preserve_insertion_order = false").fetchall()
        connection.execute(f"create table source_order as from {source_order(job.order)}").fetchall()
        with engine_failures(target):
            yield connection


@contextmanager
def engine_failures(target: Path) -> Iterator[None]:
    """Turn what the engine raises into what to do about it, where that is known."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise ExplorerError(
            f"{target}: finding duplicates needs more memory than a worker has; give more --memory or fewer --workers "
            "and run the same build again: what is finished is kept"
        ) from None
    except duckdb.Error as error:
        raise storage_failure(target, error) or error from None


def write(connection: duckdb.DuckDBPyConnection, query: str, target: Path, compression: str = "lz4_raw") -> None:
    """Write a query's rows to a Parquet file, by renaming."""
    with replacing(target) as temporary:
        connection.execute(
            f"copy ({query}) to {quote_literal(str(temporary))} "
            f"(format parquet, compression {compression}, row_group_size {_GROUP_ROWS})"
        ).fetchall()


def parquet(paths: Sequence[Path]) -> str:
    """A relation over Parquet files."""
    return f"read_parquet([{', '.join(quote_literal(str(path)) for path in paths)}])"


# Of each kind of which a document has one key at most: the key, and which documents (`d`) have one. Repeated ids are
# those of one source; empty texts stand apart, and of near-duplicates those without a word. A text that is in no
# cluster of near-duplicates (`c`) is one of its own.
KEYS = {
    "id": ("md5(d.source || chr(31) || d.id)::uuid", "d.is_id_given"),
    "url": ("d.url_md5", "d.url_md5 is not null"),
    "text": ("d.text_md5", "d.n_bytes > 0"),
    "near": ("coalesce(c.key, d.text_md5)", "d.n_words > 0"),
}
# What the files beside the documents hold where there is none; clusters name texts by the first bytes of their hash.
_BESIDE = {
    "gone": "select null::integer as doc where false",
    "clusters": "select null::ubigint as ref, null::uuid as key where false",
}


def write_keys(
    job: Job, kind: str, documents: Path, beside: Mapping[str, Path], target: Path, progress: Progress
) -> None:
    """The keys of one kind of a part's documents, sorted. `beside` are files of the stages before (`_BESIDE`)."""
    key, condition = KEYS[kind]
    with engine(job, target) as connection:
        for name, empty in _BESIDE.items():
            query = f"from {parquet([beside[name]])}" if name in beside else empty
            connection.execute(f"create view {name} as {query}").fetchall()
        connection.execute(
            f"create view keyed as select d.*, {key} as key from {parquet([documents])} as d "
            f"left join clusters as c on c.ref = (d.text_md5::uhugeint >> 64)::ubigint where {condition}"
        ).fetchall()
        write(connection, stage_sql("keys"), target)
    progress(1.0)


def write_copies(
    job: Job, keys: Sequence[tuple[int, Path]], bounds: tuple[str, str], target: Path, progress: Progress
) -> None:
    """The documents that have copies, of one bucket of keys. `keys` gives part numbers and their files."""
    low, high = (quote_literal(bound) for bound in bounds)
    selects = (
        f"select {part}::integer as part, * from {parquet([path])} where key between {low}::uuid and {high}::uuid"
        for part, path in keys
    )
    with engine(job, target) as connection:
        connection.execute(f"create table keys as {' union all '.join(selects)}").fetchall()
        write(connection, stage_sql("copies"), target)
    progress(1.0)


def write_of_part(job: Job, query: str, part: int, copies: Sequence[Path], target: Path, progress: Progress) -> None:
    """A selection (`gone`, `not_first`) of what the buckets found for the documents of one part."""
    with engine(job, target) as connection:
        connection.execute(f"create view copies as from {parquet(copies)} where part = {int(part)}").fetchall()
        write(connection, stage_sql(query), target)
    progress(1.0)


def uuid_bounds(bucket: int, n_buckets: int) -> tuple[str, str]:
    """The first and the last key of a bucket of keys of 128 bits."""
    low, high = _bounds(bucket, n_buckets, 128)
    return str(UUID(int=low)), str(UUID(int=high))


def number_bounds(bucket: int, n_buckets: int) -> tuple[int, int]:
    """The first and the last key of a bucket of keys of 64 bits."""
    return _bounds(bucket, n_buckets, 64)


def _bounds(bucket: int, n_buckets: int, n_bits: int) -> tuple[int, int]:
    size = 1 << n_bits
    return bucket * size // n_buckets, (bucket + 1) * size // n_buckets - 1


@dataclass(frozen=True)
class ParagraphFile:
    """A part's paragraphs, and what says where they come from."""

    part: int
    paragraphs: Path
    documents: Path
    gone: Path
    sources: tuple[str, ...]  # in the part


def write_paragraphs(
    job: Job, files: Sequence[ParagraphFile], bounds: tuple[int, int], targets: tuple[Path, Path], progress: Progress
) -> None:
    """One bucket of paragraphs: what repeats, by key and source (first target) and by document (second target)."""
    with engine(job, targets[0]) as connection:
        connection.execute(
            "create table occurrences (part integer, doc integer, key ubigint, n_bytes integer, n_chars integer, "
            "n_words integer, source_number integer, is_left boolean)"
        ).fetchall()
        for file in files:  # one after the other: each needs a look-up of its documents
            connection.execute(f"insert into occurrences {_occurrences(job, file, bounds)}").fetchall()
        connection.execute(f"create table repeats as {stage_sql('repeats')}").fetchall()
        write(connection, stage_sql("repeats_by_document"), targets[1])
        write(connection, stage_sql("repeated_paragraphs"), targets[0], "zstd")
    progress(1.0)


def _occurrences(job: Job, file: ParagraphFile, bounds: tuple[int, int]) -> str:
    low, high = bounds
    if len(file.sources) == 1:
        number = str(job.order.index(file.sources[0]))
        join = ""
    else:
        number = "d.number"
        join = (
            f"join (select d.doc, o.number from {parquet([file.documents])} as d "
            "join source_order as o on o.source = d.source) as d on d.doc = p.doc "
        )
    return (
        f"select {file.part}, p.doc, p.key, p.n_bytes, p.n_chars, p.n_words, {number}, g.doc is null "
        f"from {parquet([file.paragraphs])} as p {join}"
        f"left join {parquet([file.gone])} as g on g.doc = p.doc "
        f"where p.key between {int(low)}::ubigint and {int(high)}::ubigint"
    )


def write_marks(
    job: Job,
    part: int,
    copies: Mapping[str, Sequence[Path]],
    repeats: Sequence[Path],
    paragraphs: Path | None,
    target: Path,
    progress: Progress,
) -> None:
    """Everything that was found for the documents of one part."""
    selects = [
        f"select {quote_literal(kind)} as key_kind, * exclude (part) from {parquet(paths)} where part = {int(part)}"
        for kind, paths in copies.items()
    ]
    with engine(job, target) as connection:
        connection.execute(f"create view copies as {' union all '.join(selects)}").fetchall()
        if paragraphs is None:
            connection.execute("create view paragraphs_of as select 0 as doc where false").fetchall()
            connection.execute(
                "create view repeats_of as select 0 as doc, '' as source_mask, 0 as n_copies, true as is_in_source, "
                "0 as n_repeated, 0 as n_repeated_bytes, 0 as n_repeated_words where false"
            ).fetchall()
        else:
            connection.execute(f"create view repeats_of as from {parquet(repeats)} where part = {int(part)}").fetchall()
            connection.execute(
                f"create view paragraphs_of as select distinct doc from {parquet([paragraphs])}"
            ).fetchall()
        write(connection, stage_sql("marks"), target, "zstd")
    progress(1.0)
