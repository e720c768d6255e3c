"""Parts, the pieces that tasks work on: cutting shards into them, and keeping those of the last build as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from explorer.config import CorpusConfig
from explorer.errors import InputError
from explorer.ingest.shards import Shard, split_row_groups, text_bytes_estimate
from explorer.urls import suffix_list_version
from explorer.workspace import INDEX_VERSION, digest

Progress = Callable[[float], None]  # a task calls it with the bytes of input done since the last call
_SMALLEST_PART, _LARGEST_PART = 8 << 20, 512 << 20


@dataclass(frozen=True)
class Part:
    """A piece of the corpus that one task handles: whole shards, or row groups of a large one."""

    key: str
    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class TagOptions:
    """Attributes that the build makes itself."""

    attribute_set: str
    specs: tuple[str, ...]  # see `explorer.taggers.registry.load_taggers`
    version: str  # of the taggers, and of the files that they read

    @property
    def key(self) -> str:
        return digest(self.attribute_set, self.specs, self.version)


@dataclass(frozen=True)
class IndexOptions:
    """What changes the index rows, and therefore the key of every part."""

    config: CorpusConfig
    tokenizer: str
    keep_text: bool
    min_paragraph: int | None = 1  # characters; None: no paragraph keys
    signatures: bool = False  # MinHash
    tags: TagOptions | None = None
    batch_bytes: int = 16 << 20  # changes no row, so it is not in the key

    @property
    def key(self) -> str:
        return digest(
            sorted(self.config.document_columns.items()),
            self.tokenizer,
            self.keep_text,
            self.min_paragraph,
            self.signatures,
            suffix_list_version(),
            *([self.tags.key] if self.tags is not None else []),
        )


def plan_parts(
    shards: Sequence[Shard], last: Sequence[Part], options_key: str, part_bytes: int | None = None
) -> list[Part]:
    """Parts of about `part_bytes` of text (by default from the size of the corpus), in order of their shards' names.

    Parts of the `last` build whose shards are unchanged stay as they are, with their keys; of their files nothing is
    read here. `options_key` names everything else that changes index rows.
    """
    kept = _unchanged(shards, last, options_key)
    taken: dict[str, set[int]] = {}
    whole = set()
    for shard in (shard for part in kept for shard in part.shards):
        taken.setdefault(shard.path, set()).update(shard.row_groups)
        if not shard.row_groups:
            whole.add(shard.path)
    new = [shard for shard in shards if shard.path not in whole]
    sizes = {shard.path: text_bytes_estimate(shard) for shard in new}
    total = sum(sizes.values()) + sum(shard.n_bytes for part in kept for shard in part.shards)
    target = part_bytes or min(_LARGEST_PART, max(_SMALLEST_PART, total // 8))
    pieces: list[Shard] = []
    for shard in new:
        others = taken.get(shard.path, set())
        # Attribute files beside it belong to the file as a whole.
        if shard.kind == "parquet" and not shard.sides and (others or sizes[shard.path] > target):
            try:
                pieces += split_row_groups(shard, target, others)
                continue
            except InputError:
                pass  # its task reports the fault
        pieces.append(shard)
    made = _grouped(pieces, target, options_key)
    if {part.key for part in made} & {part.key for part in kept}:
        return plan_parts(shards, [], options_key, part_bytes)  # a file took another's name, size and time
    return sorted(kept + made, key=lambda part: (part.shards[0].name, part.shards[0].row_groups))


def _unchanged(shards: Sequence[Shard], last: Sequence[Part], options_key: str) -> list[Part]:
    by_path = {shard.path: shard for shard in shards}
    by_name = {shard.name: shard for shard in shards}
    used: set[tuple[str, tuple[int, ...]]] = set()
    kept = []
    for old in last:
        now = []
        for shard in old.shards:
            found = by_path.get(shard.path) or by_name.get(shard.name)
            if found is None or not _is_same(shard, found) or (shard.row_groups and found.sides):
                break
            now.append(replace(found, row_groups=shard.row_groups, part_size=shard.part_size))
        places = {(shard.path, shard.row_groups) for shard in now}
        is_whole = len(now) == len(places) == len(old.shards) and not places & used
        if is_whole and make_part(old.shards, options_key).key == old.key:
            kept.append(Part(old.key, tuple(now)))
            used |= places
    return kept


def _is_same(old: Shard, now: Shard) -> bool:
    """Whether a file yields what it did: its name below the inputs may change when another input joins them."""
    return (old.size, old.mtime_ns, old.folder_source) == (now.size, now.mtime_ns, now.folder_source)


def _grouped(shards: Sequence[Shard], target_bytes: int, options_key: str) -> list[Part]:
    """Put shards, in order, into parts of about `target_bytes` of text."""
    parts: list[list[Shard]] = [[]]
    filled = 0
    for shard in shards:
        size = text_bytes_estimate(shard)
        if parts[-1] and filled + size > target_bytes:
            parts.append([])
            filled = 0
        parts[-1].append(shard)
        filled += size
    return [make_part(tuple(shards), options_key) for shards in parts if shards]


def make_part(shards: tuple[Shard, ...], options_key: str) -> Part:
    """A part; its key names the files that it holds as they are now."""
    return Part(digest([shard.key for shard in shards], options_key, INDEX_VERSION), shards)
