"""What a recipe does to each document, written to a file part by part: memory does not grow with the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from explorer.errors import UsageError
from explorer.impact.engine import Impact
from explorer.impact.source import SourcePart
from explorer.relations import quote_literal
from explorer.workspace import replacing

SCHEMA = pa.schema([
    ("source", pa.large_string()),
    ("id", pa.large_string()),
    ("stream", pa.large_string()),  # null: no stream takes the document
    ("is_kept", pa.bool_()),
    ("rules", pa.large_list(pa.large_string())),  # names of the rules that hit it, in the recipe's order
    ("n_chars_after", pa.int64()),  # after span replacement, and so on; null where the document is not kept
    ("n_bytes_after", pa.int64()),
    ("n_words_after", pa.int64()),
    ("is_estimate", pa.bool_()),  # what is left, or that it is too short, was not counted in the text
])  # fmt: skip
SUFFIXES = (".parquet", ".jsonl", ".json")
_BATCH = 50_000


def check_documents(path: Path) -> None:
    """Raises `UsageError` for a file that is neither Parquet nor JSON Lines by its name."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: documents are written as {', '.join(SUFFIXES[:2])}; name the file so")


def write_documents(impact: Impact, path: Path) -> int:
    """Write a row per document and stream (`SCHEMA`) as Parquet or JSON Lines; returns the number of rows.

    Rows are in order of the shards and of the documents in them. Raises `UsageError` for another kind of file and
    `StorageError` where the disk refuses.
    """
    check_documents(path)
    n_rows = 0
    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(path))
        write = _parquet(stack, temporary) if path.suffix == ".parquet" else _lines(stack, temporary)
        done = 0
        for part in impact.source.parts:
            for table in _rows(impact, part):
                write(table)
                n_rows += table.num_rows
            done += part.n_docs
            impact.progress(done / max(1, impact.source.n_docs))
    return n_rows


def _parquet(stack: ExitStack, path: Path) -> Callable[[pa.Table], None]:
    writer = stack.enter_context(pq.ParquetWriter(path, SCHEMA, compression="zstd"))
    return lambda table: writer.write_table(table)


def _lines(stack: ExitStack, path: Path) -> Callable[[pa.Table], None]:
    file = stack.enter_context(path.open("wb"))

    def write(table: pa.Table) -> None:
        file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in table.to_pylist())

    return write


def _rows(impact: Impact, part: SourcePart) -> Iterator[pa.Table]:
    """The rows of one part, some at a time."""
    names = pl.DataFrame({
        "rule": list(range(len(impact.bound.rules))),
        "name": [rule.name for rule in impact.bound.rules],
    })  # fmt: skip
    streams = pl.DataFrame({
        "stream": [stream.number for stream in impact.bound.streams],
        "name": [stream.stream.name for stream in impact.bound.streams],
    })  # fmt: skip
    has_effects = impact.hits(part, as_table=True)
    connection = impact.connection
    connection.register("rule_names", names.to_arrow())
    connection.register("stream_names", streams.to_arrow())
    effects = "effects" if has_effects else "(select null::integer as stream, null::bigint as doc, null as is_counted)"
    # names once for each mask, not once for each document
    connection.execute(
        "create or replace temp table masks as select mask, coalesce((select list(name order by rule) from rule_names "
        "where list_contains(rules_of(m.mask), rule::integer)), []) as rules from (select distinct mask from hits) as m"
    ).fetchall()
    # whether a minimum length removes a document is an estimate too
    names_of_lengths = (quote_literal(rule.name) for rule in impact.bound.rules if rule.kind == "length")
    lengths = f"[{', '.join(names_of_lengths)}]::varchar[]"
    query = (
        "select d.source, d.id, s.name as stream, coalesce(h.is_kept, false) as is_kept, "
        "coalesce(m.rules, []) as rules, "
        "if(h.is_kept, h.n_chars_after, null) as n_chars_after, if(h.is_kept, h.n_bytes_after, null) as n_bytes_after, "
        "if(h.is_kept, h.n_words_after, null) as n_words_after, "
        f"coalesce((h.is_kept or list_has_any(m.rules, {lengths})) and e.doc is not null and not e.is_counted, false) "
        "as is_estimate "
        f"from read_parquet({quote_literal(str(part.indexed.documents))}) as d "
        "left join hits as h on h.doc = d.doc left join masks as m on m.mask = h.mask "
        "left join stream_names as s on s.stream = h.stream "
        f"left join {effects} as e on e.doc = h.doc and e.stream = h.stream order by d.doc, h.stream"
    )
    for batch in connection.sql(query).to_arrow_reader(_BATCH):
        yield pa.Table.from_batches([batch]).cast(SCHEMA)
