"""Finding shards: which files an input names, what each is, and which attribute files lie beside it."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
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
    the whole file.
    """

    path: str
    name: str
    kind: Kind
    folder_source: str
    size: int
    mtime_ns: int
    sides: tuple[SideFile, ...] = ()
    row_groups: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """Identity for change detection: name, size, time and row groups (not the attribute files)."""
        text = repr((self.name, self.size, self.mtime_ns, self.row_groups))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def shard_from_json(data: dict[str, Any]) -> Shard:
    sides = tuple(SideFile(**side) for side in data["sides"])
    return Shard(**{**data, "sides": sides, "row_groups": tuple(data["row_groups"])})


def file_kind(path: Path) -> Kind | None:
    """What a file is by its name, or None for a file that holds no rows."""
    suffixes = path.suffixes
    if suffixes[-1:] == [".parquet"]:
        return "parquet"
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes = suffixes[:-1]
    return "jsonl" if suffixes and suffixes[-1] in _JSON else None


def find_shards(inputs: Sequence[str]) -> list[Shard]:
    """All document shards of files, folders and globs, sorted by name.

    In a Dolma layout only what lies under a `documents` folder is a document file; each gets the files of
    the same relative path under every `attributes/<set>`. Hidden files are passed over.
    Raises `InputError` for an input that does not exist or holds no shard.
    """
    found: dict[str, Shard] = {}
    for text in inputs:
        root, paths = _expand(text)
        if not paths:
            raise InputError(
                f"{text}: no shard found; looked for .parquet, .jsonl and .json files (also .gz, .zst), "
                "and under documents/ where there is such a folder"
            )
        for path in paths:
            shard = _shard(path, root, single=len(inputs) == 1)
            found.setdefault(shard.path, shard)
    names: dict[str, int] = {}
    shards = []
    for shard in sorted(found.values(), key=lambda s: (s.name, s.path)):
        seen = names[shard.name] = names.get(shard.name, 0) + 1
        shards.append(shard if seen == 1 else Shard(**{**_fields(shard), "name": f"{shard.name}#{seen}"}))
    return shards


def _fields(shard: Shard) -> dict[str, Any]:
    return {name: getattr(shard, name) for name in shard.__dataclass_fields__}


def _expand(text: str) -> tuple[Path, list[Path]]:
    path = Path(text)
    if path.is_dir():
        return path.resolve(), _data_files(path.resolve(), path.resolve().rglob("*"))
    if path.is_file():
        if file_kind(path) is None:
            raise InputError(f"{text}: not a .parquet, .jsonl or .json file (also .gz, .zst)")
        return path.resolve().parent, [path.resolve()]
    if glob.has_magic(text):
        pattern = Path(text).absolute()
        fixed = next(i for i, part in enumerate(pattern.parts) if glob.has_magic(part))
        root = Path(*pattern.parts[:fixed]).resolve()
        files: list[Path] = []
        for match in sorted(glob.glob(text, recursive=True)):
            matched = Path(match).resolve()
            files += _data_files(root, matched.rglob("*")) if matched.is_dir() else _data_files(root, [matched])
        return root, files
    raise InputError(f"{text}: no such file or folder")


def _data_files(root: Path, candidates: Iterable[Path]) -> list[Path]:
    files = []
    for path in candidates:
        below = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
        if file_kind(path) is None or any(part.startswith((".", "_")) for part in below) or not path.is_file():
            continue
        files.append(path)
    documents = [path for path in files if _documents_root(path) is not None]
    attributes_beside = {_documents_root(path).parent for path in documents}  # type: ignore[union-attr]
    if documents and any(root.is_relative_to(folder) or folder.is_relative_to(root) for folder in attributes_beside):
        return sorted(documents)
    return sorted(path for path in files if "attributes" not in path.relative_to(root).parts[:-1])


def _documents_root(path: Path) -> Path | None:
    """The innermost folder called `documents` above a file."""
    return next((parent for parent in path.parents if parent.name == "documents"), None)


def _shard(path: Path, root: Path, *, single: bool) -> Shard:
    documents = _documents_root(path)
    base = documents if documents is not None else root
    relative = path.relative_to(base)
    if len(relative.parts) > 1:
        source = relative.parts[0]
    else:
        source = base.parent.name if documents is not None else base.name
    below = path.relative_to(root) if path.is_relative_to(root) else relative
    stat = path.stat()
    kind = file_kind(path)
    assert kind is not None
    return Shard(
        path=str(path),
        name=(below if single else Path(root.name) / below).as_posix(),
        kind=kind,
        folder_source=source,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        sides=_sides(documents, relative) if documents is not None else (),
    )


def _sides(documents: Path, relative: Path) -> tuple[SideFile, ...]:
    attributes = documents.parent / "attributes"
    if not attributes.is_dir():
        return ()
    sides = []
    for folder in sorted(p for p in attributes.iterdir() if p.is_dir() and not p.name.startswith(".")):
        path = _side_path(folder / relative)
        stat = path.stat() if path is not None else None
        sides.append(
            SideFile(
                folder.name,
                str(path) if path else "",
                stat.st_size if stat else 0,
                stat.st_mtime_ns if stat else 0,
            )
        )
    return tuple(sides)


def _side_path(path: Path) -> Path | None:
    """The attribute file of the same name, or of the same name with another compression."""
    if path.is_file():
        return path
    stem = path.name
    for suffix in (*COMPRESSIONS, *_JSON):
        stem = stem.removesuffix(suffix)
    for json in _JSON:
        for compression in ("", *COMPRESSIONS):
            other = path.with_name(stem + json + compression)
            if other.is_file():
                return other
    return None


def split_row_groups(shard: Shard, target_bytes: int) -> list[Shard]:
    """Cut a large Parquet shard into runs of row groups of about `target_bytes` uncompressed.

    Raises `InputError` where the file is not readable Parquet.
    """
    metadata = parquet_metadata(shard.path)
    runs: list[list[int]] = [[]]
    filled = 0
    for index in range(metadata.num_row_groups):
        size = metadata.row_group(index).total_byte_size
        if runs[-1] and filled + size > target_bytes:
            runs.append([])
            filled = 0
        runs[-1].append(index)
        filled += size
    if len(runs) == 1:
        return [shard]
    return [Shard(**{**_fields(shard), "row_groups": tuple(run)}) for run in runs]


def parquet_metadata(path: str) -> pq.FileMetaData:
    """The footer of a Parquet file. Raises `InputError` where there is none."""
    try:
        return pq.read_metadata(path)
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(f"{path}: not a readable Parquet file ({reason}); write it again or leave it out") from None


def text_bytes_estimate(shard: Shard) -> int:
    """Roughly how much text a shard decodes to, for planning only."""
    if shard.kind == "parquet":
        try:
            metadata = parquet_metadata(shard.path)
        except InputError:
            return shard.size
        groups = shard.row_groups or range(metadata.num_row_groups)
        return sum(metadata.row_group(i).total_byte_size for i in groups)
    return int(shard.size * {".gz": 2.6, ".zst": 3.0}.get(Path(shard.path).suffix, 1.0))
