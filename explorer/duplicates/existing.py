"""Marks of duplicates that other tools left as attributes, compared with what is found here.

Dolma's deduper marks the second and later copies (`bff_duplicate_url`, `dup_text`, spans for paragraphs); DataTrove and
TxT360 state the size of a document's cluster. Which copy a tool leaves unmarked is its own choice (Dolma's depends on
the order of its threads), so marks and copies are compared key by key: of k copies, k - 1 are expected to be marked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from explorer.attributes import Attribute
from explorer.duplicates.relations import KINDS
from explorer.duplicates.stages import Found, document_kinds
from explorer.duplicates.tasks import KEYS, Job, engine, number_bounds, parquet, stage_sql, uuid_bounds, write
from explorer.executor import Runner, Task
from explorer.relations import IndexedPart, IndexedSet, quote_literal
from explorer.statistic import normalise
from explorer.workspace import Workspace, digest

ROWS_PER_BUCKET = 4_000_000
_MARK = re.compile(r"(^|_)(bff|dups?|duplicates?|duplicated|dedup|dedupe)(_|$)|cluster_size|dup_doc_count")
# repetition within a text, and copies of benchmarks
_OTHER = re.compile(r"frac|ratio|\dgrams?|ngram|(^|_)lines?(_|$)|score|contam|paloma")
_KINDS = (
    ("url", re.compile(r"url")),
    ("paragraph", re.compile(r"para")),
    ("near", re.compile(r"near|minhash|fuzzy|lsh|simhash")),
    ("text", re.compile(r"text|doc|exact|content|cluster")),
)


@dataclass(frozen=True)
class Mark:
    """An attribute that marks duplicates of one kind."""

    attribute_set: str
    attribute: Attribute
    key_kind: str
    is_size: bool  # it states how many copies there are, so every copy has it

    @property
    def n_kept(self) -> int:
        """How many copies of a cluster have no mark."""
        return 0 if self.is_size else 1


def mark_of(attribute_set: str, attribute: Attribute) -> Mark | None:
    """The mark that an attribute is by its name (the set's where the key says nothing), or None."""
    if attribute.shape not in ("spans", "number", "bool"):
        return None
    for name in (attribute.key.rpartition("__")[2].lower(), f"{attribute_set}_{attribute.key}".lower()):
        if _OTHER.search(name) or not _MARK.search(name):
            continue
        kind = next((kind for kind, pattern in _KINDS if pattern.search(name)), None)
        if kind is not None and (kind != "paragraph" or attribute.shape == "spans"):
            return Mark(
                attribute_set, attribute, kind, attribute.shape == "number" and name.endswith(("size", "count"))
            )
    return None


def find_marks(parts: Sequence[IndexedPart], kinds: Collection[str]) -> list[Mark]:
    """The marks of some kinds in all sets, in order of kind, set and key."""
    attributes = {(one.attribute_set, a) for part in parts for one in part.sets for a in one.attributes}
    marks = [mark for name, a in attributes if (mark := mark_of(name, a)) is not None]
    known = [mark for mark in marks if mark.key_kind in kinds]
    return sorted(known, key=lambda m: (KINDS.index(m.key_kind), m.attribute_set, m.attribute.key, m.attribute.shape))


def compare_marks(
    workspace: Workspace, parts: Sequence[IndexedPart], found: Found, pool: Runner, memory: int
) -> list[Path]:
    """The files of the relation `compared`: a row, and a file, per mark."""
    job = Job(workspace.root / "index" / "duplicates", found.order, memory)
    kinds = (*document_kinds(found.options), "paragraph") if found.options.is_on else ()
    queries = [normalise(stage_sql(name)) for name in ("marked_copies", "marked_paragraphs", "compared")]
    targets = []
    for mark in find_marks(parts, kinds):
        have = [(part, one) for part in parts if (one := part.find(mark.attribute_set)) is not None]
        name = f"{found.receipt}-{digest(mark, [one.path.name for _, one in have], queries)}"
        target = workspace.duplicates(f"{name}-compared.parquet")
        if not target.exists():
            counted = [workspace.duplicates(f"{name}-marked-{part.key}.parquet") for part, _ in have]
            work: list[Task] = [
                (write_marked, (job, mark, part, one, workspace.paragraphs(part.key), found.marks[part.key], path))
                for (part, one), path in zip(have, counted, strict=True)
                if not path.exists()
            ]
            for _ in pool.run(work, lambda done: None):
                pass
            for _ in pool.run([(write_compared, (job, mark, counted, target))], lambda done: None):
                pass
            for path in counted:
                path.unlink()
        targets.append(target)
    return targets


def write_marked(
    job: Job,
    mark: Mark,
    part: IndexedPart,
    one: IndexedSet,
    paragraphs: Path,
    copies: Path,
    target: Path,
    progress: Callable[[float], None],
) -> None:
    """How often each key of a part occurs in documents that have the attribute set, and how often it is marked."""
    is_of_paragraphs = mark.key_kind == "paragraph"
    present = f"select doc from {parquet([one.path])} where state <> 'missing'"
    condition = "true" if is_of_paragraphs else KEYS[mark.key_kind][1]
    with engine(job, target) as connection:
        connection.execute(
            f"create view keyed as select d.doc from {parquet([part.documents])} as d semi join ({present}) as s "
            f"on s.doc = d.doc where {condition}"
        ).fetchall()
        connection.execute(f"create view marked as {_marked(mark, part, one)}").fetchall()
        connection.execute(f"create view paragraphs as from {parquet([paragraphs])}").fetchall()
        connection.execute(
            f"create view copies as from {parquet([copies])} where key_kind = {quote_literal(mark.key_kind)}"
        ).fetchall()
        write(connection, stage_sql("marked_paragraphs" if is_of_paragraphs else "marked_copies"), target)
    progress(1.0)


def _marked(mark: Mark, part: IndexedPart, one: IndexedSet) -> str:
    """SQL of what is marked: documents, or for paragraphs documents and where in the text a mark begins."""
    if mark.attribute not in one.attributes:
        return "select null::integer as doc, null::bigint as start where false"
    position = one.attributes.index(mark.attribute)
    values = (
        f"select v.doc, v.n, v.chars from {parquet([one.values])} as v "
        f"where v.attribute = {position} and v.n > 0 and coalesce(v.max, v.first) > {int(mark.is_size)}"
    )
    if mark.key_kind != "paragraph":
        return f"select doc from ({values})"
    spans = (  # a paragraph may have several marks, and is marked once
        f"select distinct doc, start from {parquet([one.spans])} "
        f"where attribute = {quote_literal(mark.attribute.column)} and score > 0"
    )
    # a list of one span over the whole text is not among the spans
    return f"{spans} union all select doc, 0 as start from ({values}) as v anti join ({spans}) as s on s.doc = v.doc"


def write_compared(
    job: Job, mark: Mark, counted: Sequence[Path], target: Path, progress: Callable[[float], None]
) -> None:
    """Compare marks and copies, bucket after bucket of keys, and add the buckets up."""
    n_buckets = max(1, -(-sum(pq.read_metadata(path).num_rows for path in counted) // ROWS_PER_BUCKET))
    is_of_paragraphs = mark.key_kind == "paragraph"
    with engine(job, target) as connection:
        connection.execute(f"create table kept as select {mark.n_kept} as n_kept").fetchall()
        for bucket in range(n_buckets):
            if is_of_paragraphs:
                low, high = (f"{bound}::ubigint" for bound in number_bounds(bucket, n_buckets))
            else:
                low, high = (f"{quote_literal(bound)}::uuid" for bound in uuid_bounds(bucket, n_buckets))
            alone = "" if bucket else " or key is null"
            connection.execute(
                f"create or replace view counted as from {parquet(counted)} where key between {low} and {high}{alone}"
            ).fetchall()
            into = "insert into compared" if bucket else "create table compared as"
            connection.execute(f"{into} {stage_sql('compared')}").fetchall()
        labels = (
            f"{quote_literal(mark.attribute_set)} as attribute_set, {quote_literal(mark.attribute.key)} as key, "
            f"{quote_literal(mark.key_kind)} as key_kind"
        )
        write(connection, f"select {labels}, * from compared", target)
    progress(1.0)
