"""Finding shards: which files an input names, what each is, and which attribute files lie beside it."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from explorer.errors import InputError

Kind = Literal["parquet", "jsonl"]
COMPRESSIONS = (".gz", ".zst")
_JSON = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class SideFile:
    """One attribute file beside a document file. `path` is empty where the set has none for it."""

    attribute_set: str
    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Shard:
    """A file of documents, or for large Parquet files a run of its row groups.

    `name` is the path below the input, with `/`: the same on another machine. `row_groups` is empty for
    the whole file. `folder_source` is the source of rows that name none.
    """

    path: str
    name: str
    kind: Kind
    folder_source: str
    size: int
    mtime_ns: int
    sides: tuple[SideFile, ...] = ()
    row_groups: tuple[int, ...] = ()
    part_size: int | None = None  # bytes of the file that the row groups take; None for the whole file

    @property
    def n_bytes(self) -> int:
        """Bytes of the file that reading this shard reads."""
        return self.size if self.part_size is None else self.part_size

    @property
    def key(self) -> str:
        """Identity for change detection: name, source, size, time and row groups (not the attribute files)."""
        text = repr((self.name, self.folder_source, self.size, self.mtime_ns, self.row_groups))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def shard_from_json(data: dict[str, Any]) -> Shard:
    sides = tuple(SideFile(**side) for side in data["sides"])
    return Shard(**{**data, "sides": sides, "row_groups": tuple(data["row_groups"])})


def file_kind(path: Path) -> Kind | None:
    """What a file is by its name, or None for a file that holds no rows."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".parquet"]:
        return "parquet"
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes = suffixes[:-1]
    return "jsonl" if suffixes and suffixes[-1] in _JSON else None


def find_shards(inputs: Sequence[str], leave_out: Path | None = None) -> list[Shard]:
    """All document shards of files, folders and globs, sorted by name.

    In a Dolma layout only what lies under a `documents` folder is a document file; each gets the files of
    the same relative path under every `attributes/<set>`. Hidden files are passed over, and so is the folder
    `leave_out` (a workspace may lie inside its input). A file that is reached twice counts once.
    Raises `InputError` for an input that does not exist or holds no shard.
    """
    found: dict[str, tuple[Path, Shard]] = {}  # by the real path: links to one file are one shard
    for text in inputs:
        if not text:
            raise InputError("an input is an empty text; name a file, a folder or a glob (. is this folder)")
        root, paths = _expand(text, leave_out)
        if not paths:
            raise InputError(
                f"{text}: no shard found; looked for .parquet, .jsonl and .json files (also .gz, .zst), "
                "and under documents/ where there is such a folder"
            )
        for path in paths:
            shard = _shard(path, root)
            real = os.path.realpath(path)
            if real not in found or (shard.name, shard.path) < (found[real][1].name, found[real][1].path):
                found[real] = (root, shard)
    return _distinct_names(list(found.values()))


def _distinct_names(found: Sequence[tuple[Path, Shard]]) -> list[Shard]:
    """Shards sorted by name; where two inputs hold the same relative path, the inputs' names tell them apart."""
    times = Counter(shard.name for _, shard in found)
    named = [
        replace(shard, name=f"{_printable(root.name)}/{shard.name}") if times[shard.name] > 1 else shard
        for root, shard in found
    ]
    taken: Counter[str] = Counter()
    shards = []
    for shard in sorted(named, key=lambda s: (s.name, s.path)):
        taken[shard.name] += 1
        shards.append(shard if taken[shard.name] == 1 else replace(shard, name=f"{shard.name}#{taken[shard.name]}"))
    return sorted(shards, key=lambda s: s.name)


def passed_over(inputs: Sequence[str], shards: Iterable[Shard], leave_out: Path | None = None) -> list[str]:
    """The files below folders among `inputs` that are neither shards nor their attribute files, sorted.

    Other endings, files outside `documents/` in a Dolma layout, attribute files without a document file. Hidden
    files and TOML files (corpus.toml, recipes) are not named.
    """
    used = {shard.path for shard in shards} | {side.path for shard in shards for side in shard.sides}
    used = {os.path.realpath(path) for path in used if path}
    found = set()
    for root in (Path(os.path.normpath(Path(text).absolute())) for text in inputs):
        for path in _walk(root, leave_out) if root.is_dir() else ():
            below = path.relative_to(root)
            hidden = path.suffix == ".toml" or any(part.startswith((".", "_")) for part in below.parts)
            if not hidden and os.path.realpath(path) not in used:
                found.add(_printable(below.as_posix()))
    return sorted(found)


def _expand(text: str, leave_out: Path | None) -> tuple[Path, list[Path]]:
    # Links are not resolved: a cache keeps its files under names without a suffix and links to them by name.
    path = Path(os.path.normpath(Path(text).absolute()))
    if path.is_dir():
        return path, _data_files(path, _walk(path, leave_out))
    if path.exists():
        if file_kind(path) is None or not path.is_file():
            raise InputError(f"{text}: not a .parquet, .jsonl or .json file (also .gz, .zst)")
        return path.parent, [path]
    if glob.has_magic(text):
        fixed = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
        root = Path(*path.parts[:fixed])
        files: list[Path] = []
        try:
            matches = sorted(root.glob("/".join(path.parts[fixed:])))
        except ValueError as error:
            raise InputError(f"{text}: {error}; `**` stands for folders, as in data/**/*.jsonl.gz") from None
        for match in matches:
            files += _walk(match, leave_out) if match.is_dir() else [match]
        return root, _data_files(root, sorted(set(files)))
    raise InputError(f"{text}: no such file or folder")


def _walk(root: Path, leave_out: Path | None) -> list[Path]:
    """The files below a folder, links to folders followed, loops not. Raises `InputError` for a closed folder."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: {error.strerror}; make it readable or leave it out")

    files: list[Path] = []
    entered = set()
    for folder, folders, names in os.walk(root, followlinks=True, onerror=refuse):
        real = os.path.realpath(folder)
        if real in entered or (leave_out is not None and real == os.path.realpath(leave_out)):
            folders.clear()
            continue
        if {"manifest.json", "corpus.duckdb"} <= set(
            names
        ) and "index" in folders:  # a workspace: its files are made from shards
            folders.clear()
            continue
        entered.add(real)
        folders.sort()
        files += [Path(folder, name) for name in names]
    return files


def _data_files(root: Path, candidates: Iterable[Path]) -> list[Path]:
    files = []
    for path in candidates:
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
        # A link to nothing is kept, so that its reader reports it.
        if not hidden and file_kind(path) is not None and (path.is_file() or path.is_symlink()):
            files.append(path)
    documents = [path for path in files if _documents_root(path, root) is not None]
    if documents:
        return sorted(documents)
    return sorted(path for path in files if "attributes" not in path.relative_to(root).parts[:-1])


def _documents_root(path: Path, root: Path) -> Path | None:
    """The innermost folder called `documents` above a file; one above the input counts if `attributes` is beside it."""
    for parent in path.parents:
        if parent.name == "documents" and (parent.is_relative_to(root) or (parent.parent / "attributes").is_dir()):
            return parent
    return None


def _shard(path: Path, root: Path) -> Shard:
    documents = _documents_root(path, root)
    base = documents if documents is not None else root
    relative = path.relative_to(base)
    folder = base.parent if documents is not None else base
    source = relative.parts[0] if len(relative.parts) > 1 else folder.name
    kind = file_kind(path)
    assert kind is not None
    size, mtime_ns = _size_and_time(path)
    return Shard(
        path=_utf8_path(path),
        name=path.relative_to(root).as_posix(),
        kind=kind,
        folder_source=_printable(source),
        size=size,
        mtime_ns=mtime_ns,
        sides=_sides(documents, relative) if documents is not None else (),
    )


def _size_and_time(path: Path) -> tuple[int, int]:
    """Zeros for a file that is gone: its reader reports it."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _utf8_path(path: Path) -> str:
    text = str(path)
    if _printable(text) != text:
        raise InputError(f"{_printable(text)}: its name is not UTF-8; rename it")
    return text


def _printable(name: str) -> str:
    """A file's name with bytes that are not UTF-8 replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _sides(documents: Path, relative: Path) -> tuple[SideFile, ...]:
    attributes = documents.parent / "attributes"
    if not attributes.is_dir():
        return ()
    sides = []
    for folder in sorted(p for p in attributes.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))):
        path = _side_path(folder / relative)
        size, mtime_ns = _size_and_time(path) if path is not None else (0, 0)
        sides.append(SideFile(_printable(folder.name), _utf8_path(path) if path is not None else "", size, mtime_ns))
    return tuple(sides)


def _side_path(path: Path) -> Path | None:
    """The attribute file of the same name, or of the same name with another ending."""
    if file_kind(path) == "jsonl" and (path.is_file() or path.is_symlink()):
        return path
    stem = path.name
    for suffix in (".parquet", *COMPRESSIONS, *_JSON):
        if stem.lower().endswith(suffix):
            stem = stem[: -len(suffix)]
    for json in _JSON:
        for compression in ("", *COMPRESSIONS):
            other = path.with_name(stem + json + compression)
            if other.is_file():
                return other
    return None


def split_row_groups(shard: Shard, target_bytes: int, taken: Collection[int] = ()) -> list[Shard]:
    """Cut a large Parquet shard into runs of row groups of about `target_bytes` uncompressed, without those `taken`.

    Raises `InputError` where the file is not readable Parquet.
    """
    metadata = parquet_metadata(shard.path)
    sizes = {g: metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups) if g not in taken}
    runs: list[list[int]] = []
    filled = 0
    for group, size in sizes.items():
        if not runs or filled + size > target_bytes:
            runs.append([])
            filled = 0
        runs[-1].append(group)
        filled += size
    if not taken and len(runs) <= 1:
        return [shard]
    ends = [0, *accumulate(metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups))]
    on_disk = [shard.size * end // max(1, ends[-1]) for end in ends]
    return [
        replace(shard, row_groups=tuple(run), part_size=sum(on_disk[g + 1] - on_disk[g] for g in run)) for run in runs
    ]


def parquet_metadata(path: str) -> pq.FileMetaData:
    """The footer of a Parquet file. Raises `InputError` where there is none."""
    try:
        return pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        reason = first_line(error)
        raise InputError(f"{path}: not a readable Parquet file ({reason}); write it again or leave it out") from None


def first_line(error: BaseException) -> str:
    """What an engine's exception says, short enough to be shown."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def text_bytes_estimate(shard: Shard) -> int:
    """Roughly how much text a shard decodes to, for planning only."""
    if shard.kind == "parquet":
        try:
            metadata = parquet_metadata(shard.path)
        except InputError:
            return shard.size
        groups = shard.row_groups or range(metadata.num_row_groups)
        return sum(metadata.row_group(i).total_byte_size for i in groups)
    return int(shard.size * {".gz": 2.6, ".zst": 3.0}.get(Path(shard.path).suffix.lower(), 1.0))
