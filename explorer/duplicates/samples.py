"""Texts to show beside the largest clusters and the most repeated paragraphs.

The index holds no text. When the statistics' partials are there, the few texts that their lists need are found in the
index by key and read again, a task a part. A text that cannot be read leaves its sample null and stops no build.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from explorer.duplicates.stages import Found
from explorer.duplicates.tasks import Job, engine, parquet, stage_sql
from explorer.errors import WorkspaceError
from explorer.executor import Runner
from explorer.partials import Piece, connect, merge_sql, partial_path
from explorer.relations import quote_literal
from explorer.statistic import load_statistics, normalise
from explorer.texts import iter_texts
from explorer.workspace import Workspace, digest, read_receipt, replacing, write_receipt

SAMPLE_CHARS = 200
N_DOCUMENTS = 3
SAMPLES_SCHEMA = pl.Schema(
    {
        "key_kind": pl.String(),
        "key": pl.String(),
        "sample": pl.String(),
        "url": pl.String(),
        "documents": pl.List(pl.Struct({"source": pl.String(), "id": pl.String()})),
    }
)
_QUERIES = ("cluster_places", "paragraph_places")

Key = tuple[str, str]  # kind and key, as the statistics name them


@dataclass(frozen=True)
class Place:
    """Where a key's sample is, and the documents that are named as examples.

    Of the same paragraph in several parts the smallest place is read: no huge document, the first part, the first
    document. `documents` are (source number, id), in order.
    """

    is_huge: bool
    part: int
    doc: int
    shard: int
    start: int
    n_chars: int
    documents: tuple[tuple[int, str], ...]
    url: str | None = None

    def merged(self, other: Place) -> Place:
        """The better place of the two with the first documents of both."""
        best = min(self, other, key=lambda place: (place.is_huge, place.part, place.doc))
        return replace(best, documents=tuple(sorted(self.documents + other.documents)[:N_DOCUMENTS]))


@dataclass(frozen=True)
class _Part:
    number: int
    entry: Mapping[str, Any]  # of the manifest
    documents: Path
    marks: Path
    paragraphs: Path


def write_samples(
    workspace: Workspace,
    parts: Sequence[Mapping[str, Any]],
    found: Found,
    cut: Mapping[str, Sequence[Piece]],
    pool: Runner,
    memory: int,
    progress: Callable[[float], None],
    *,
    keep_text: bool,
) -> Path:
    """The file (`SAMPLES_SCHEMA`) with a row for each listed key; what an earlier build has read whole is taken.

    `parts` are the manifest's, `cut` the pieces whose partials are there, `memory` one task's in bytes. Without
    `keep_text` no text is read, from wherever: every sample is null. `progress` gets a share from 0 to 1.
    """
    wanted = listed_keys(workspace, cut, memory)
    queries = [normalise(stage_sql(query)) for query in _QUERIES]
    name = f"{found.receipt}-{digest(wanted, keep_text, queries, SAMPLE_CHARS, N_DOCUMENTS)}-samples"
    target = workspace.duplicates(f"{name}.parquet")
    if read_receipt(target) is not None:
        return target
    progress(0.0)
    job = Job(target.parent, found.order, memory)
    own = [
        _Part(number, entry, workspace.documents(key), found.marks[key], workspace.paragraphs(key))
        for number, entry in enumerate(parts)
        if (key := entry["key"]) in found.marks
    ]
    places: dict[Key, Place] = {}
    tasks: list[Any] = [(find_places, (job, part, wanted, target)) for part in own] if wanted else []
    for rows in pool.run(tasks, lambda done: progress(done / len(own) / 2)):
        for key, place in rows:
            places[key] = places[key].merged(place) if key in places else place
    texts: dict[Key, str] = {}
    by_part = _by_part(places) if keep_text else {}
    tasks = [(read_samples, (workspace.root, part.entry, of)) for part in own if (of := by_part.get(part.number))]
    for read in pool.run(tasks, lambda done: progress(0.5 + done / len(by_part) / 2)):
        texts |= read
    with replacing(target) as temporary:
        _frame(wanted, places, texts, found.order).write_parquet(temporary)
    if not keep_text or texts.keys() == places.keys():  # else the next build tries again
        write_receipt(target, {}, [target])
    progress(1.0)
    return target


def listed_keys(workspace: Workspace, cut: Mapping[str, Sequence[Piece]], memory: int) -> list[Key]:
    """The keys that `largest_clusters` and `repeated_paragraphs` list, from their partials, in order."""
    statistics = load_statistics()
    keys: list[Key] = []
    with connect(memory) as connection:
        for name, kind in (("largest_clusters", "key_kind"), ("repeated_paragraphs", "'paragraph'")):
            statistic = statistics[name]
            paths = [partial_path(workspace, statistic, piece) for piece in cut[str(statistic.over)]]
            if paths:
                merged = merge_sql(statistic, parquet(paths), [])
                keys += connection.execute(f"select {kind}, key from ({merged})").fetchall()
    return sorted(keys)


def find_places(
    job: Job, part: _Part, wanted: Sequence[Key], target: Path, progress: Callable[[float], None]
) -> list[tuple[Key, Place]]:
    """The places of those keys that one part holds."""
    clusters = [key for key in wanted if key[0] != "paragraph"]
    paragraphs = [int(key) for kind, key in wanted if kind == "paragraph"]
    found: list[tuple[Key, Place]] = []
    with engine(job, target.with_stem(f"{target.stem}-{part.number}")) as connection:
        connection.execute(f"create view documents as from {parquet([part.documents])}").fetchall()
        if clusters:
            rows = ", ".join(f"({quote_literal(kind)}, {quote_literal(key)})" for kind, key in clusters)
            connection.execute(f"create table wanted as from (values {rows}) as t(key_kind, key)").fetchall()
            connection.execute(f"create view marks as from {parquet([part.marks])}").fetchall()
            numbers = {source: number for number, source in enumerate(job.order)}
            for kind, key, doc, shard, source, name, url in connection.execute(stage_sql("cluster_places")).fetchall():
                first = ((numbers[source], name),)
                found.append(((kind, key), Place(False, part.number, doc, shard, 0, SAMPLE_CHARS, first, url)))
        if paragraphs:
            # written out, so that row groups without any of the keys are passed over
            keys = ", ".join(f"{key}::ubigint" for key in paragraphs)
            connection.execute(
                f"create view wanted_paragraphs as from {parquet([part.paragraphs])} where key in ({keys})"
            ).fetchall()
            for key, at, documents in connection.execute(stage_sql("paragraph_places")).fetchall():
                n_chars = min(at["n_chars"], SAMPLE_CHARS)
                of = tuple((document["number"], document["id"]) for document in documents)
                place = Place(at["is_huge"], part.number, at["doc"], at["shard"], at["start"], n_chars, of)
                found.append((("paragraph", key), place))
    progress(1.0)
    return found


def read_samples(
    root: Path, part: Mapping[str, Any], places: Iterable[tuple[Key, Place]], progress: Callable[[float], None]
) -> dict[Key, str]:
    """The samples at some places of one part; those of a shard that has gone or changed since are left out."""
    found: dict[Key, str] = {}
    ordered = sorted(places, key=lambda item: (item[1].shard, item[1].doc, item[0]))
    for _, of_shard in groupby(ordered, key=lambda item: item[1].shard):
        rows = [(*key, place.doc, place.start, place.n_chars) for key, place in of_shard]
        schema = {"kind": pl.String, "key": pl.String, "doc": pl.Int32, "start": pl.Int64, "n_chars": pl.Int64}
        wanted = pl.DataFrame(rows, schema=schema, orient="row")
        try:
            for frame in iter_texts(root, part, wanted["doc"].to_list()):
                texts = wanted.join(frame.select("doc", "text"), on="doc")
                sample = pl.col("text").str.slice(pl.col("start"), pl.col("n_chars"))
                found |= {(kind, key): text for kind, key, text in texts.select("kind", "key", sample).iter_rows()}
        except WorkspaceError:
            continue  # the user's shard: its statistics stand, and the next build reads it anew
    progress(1.0)
    return found


def _by_part(places: Mapping[Key, Place]) -> dict[int, list[tuple[Key, Place]]]:
    by_part: dict[int, list[tuple[Key, Place]]] = {}
    for key, place in places.items():
        by_part.setdefault(place.part, []).append((key, place))
    return by_part


def _frame(
    wanted: Iterable[Key], places: Mapping[Key, Place], texts: Mapping[Key, str], order: Sequence[str]
) -> pl.DataFrame:
    rows = [
        {
            "key_kind": key[0],
            "key": key[1],
            "sample": texts.get(key),
            "url": place.url,
            "documents": [{"source": order[number], "id": name} for number, name in place.documents],
        }
        for key in wanted
        if (place := places.get(key)) is not None
    ]
    return pl.DataFrame(rows, schema=SAMPLES_SCHEMA)
