"""The workspace: the folder that `build` writes, and the only module that knows its layout.

    manifest.json            what is current; readers take only what it lists
    corpus.toml              the user's, copied in once, then edited here
    recipes/                 the user's recipes of filters, whose impact a build computes
    index/documents/         per part: a narrow row per document, and a receipt
    index/attributes/        per part and set: a row per document, up to four columns an attribute, and a receipt
    index/values/            the same values in long form: a row per document and attribute that it has
    index/spans/             per part and set: spans that are not one span over the whole text
    index/paragraphs/        per part: a row per paragraph occurrence, in sorted runs
    index/tags/              per part: the attributes that the build made itself, as they are read into a set
    index/signatures/        per part: 128 numbers of 32 bits a document (MinHash), where they were asked for
    index/duplicates/        what the parts share
    partials/                per part and statistic
    shards/                  the texts, where the input was not Parquet
    corpus.duckdb            the catalogue

A file is written under a temporary name and renamed; its receipt (JSON) is renamed last and makes it count.
Names are hashes of what went in, so a file is never overwritten by another content and an unchanged input finds its
file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import StorageError, WorkspaceError

FORMAT = 1
INDEX_VERSION = 6
TEMPORARY = ".writing"
# Of their files a build removes those that neither it nor the build before it lists.
INDEX_FOLDERS = (
    "index/documents",
    "index/attributes",
    "index/values",
    "index/spans",
    "index/paragraphs",
    "index/tags",
    "index/signatures",
    "index/duplicates",
    "shards",
)


@dataclass(frozen=True)
class Workspace:
    """Paths inside one workspace folder."""

    root: Path

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def config(self) -> Path:
        return self.root / "corpus.toml"

    @property
    def catalogue(self) -> Path:
        return self.root / "corpus.duckdb"

    @property
    def recipes(self) -> Path:
        return self.root / "recipes"

    def documents(self, key: str) -> Path:
        return self.root / "index" / "documents" / f"{key}.parquet"

    def attributes(self, key: str) -> Path:
        return self.root / "index" / "attributes" / f"{key}.parquet"

    def values(self, key: str) -> Path:
        return self.root / "index" / "values" / f"{key}.parquet"

    def spans(self, key: str) -> Path:
        return self.root / "index" / "spans" / f"{key}.parquet"

    def paragraphs(self, key: str) -> Path:
        return self.root / "index" / "paragraphs" / f"{key}.parquet"

    def tags(self, key: str) -> Path:
        return self.root / "index" / "tags" / f"{key}.parquet"

    def signatures(self, key: str) -> Path:
        return self.root / "index" / "signatures" / f"{key}.bin"

    def duplicates(self, name: str) -> Path:
        return self.root / "index" / "duplicates" / name

    def shard(self, key: str) -> Path:
        return self.root / "shards" / f"{key}.parquet"

    def partial(self, partial_key: str, input_key: str) -> Path:
        return self.root / "partials" / partial_key / f"{input_key}.parquet"

    def create(self) -> None:
        """Make the folders. Raises `WorkspaceError` where the folder holds something else."""
        with disk_errors(self.root):
            if self.root.exists() and not self.root.is_dir():
                raise WorkspaceError(f"{self.root}: is a file, not a folder; name another --out")
            foreign = self.root.is_dir() and any(self.root.iterdir()) and not (self.root / "index").is_dir()
            if foreign:
                raise WorkspaceError(f"{self.root}: is not empty and not a workspace; name another --out")
            for folder in (*INDEX_FOLDERS, "partials"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Remove what a killed build left half-written."""
        for path in list(self.root.rglob(f"*{TEMPORARY}*")):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def read_manifest(self) -> dict[str, Any]:
        """The manifest. Raises `WorkspaceError` where there is none or it is of another format."""
        try:
            manifest: dict[str, Any] = json.loads(self.manifest.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WorkspaceError(
                f"{self.root}: not a workspace (no manifest.json); make one with "
                f"`corpus-explorer build INPUT --out {self.root}`"
            ) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise WorkspaceError(f"{self.manifest}: damaged ({error}); build again to rewrite it") from None
        except (NotADirectoryError, PermissionError) as error:
            raise WorkspaceError(f"{self.root}: no workspace that can be read ({error.strerror})") from None
        if (
            not isinstance(manifest, dict)
            or manifest.get("format") != FORMAT
            or not isinstance(manifest.get("parts"), list)
        ):
            raise WorkspaceError(f"{self.manifest}: written by another version; build again into a new folder")
        return manifest


def digest(*parts: object) -> str:
    """A short stable hash of some values' `repr`: the name of what was made from them."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def read_receipt(path: Path) -> dict[str, Any] | None:
    """The receipt beside an index file, or None where its files are not finished or no longer as they were written."""
    try:
        receipt: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        for name, size in receipt.get("files", {}).items():
            if (path.parent / name).stat().st_size != size:
                return None
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return receipt


def write_receipt(path: Path, data: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Write the receipt of an index file; it counts while `files` are there with the sizes that they have now."""
    sizes = {os.path.relpath(file, path.parent): file.stat().st_size for file in files}
    write_json(path.with_suffix(".json"), {**data, "files": sizes})


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write and rename into place."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1, ensure_ascii=True, sort_keys=True) + "\n", encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that becomes `path` when the block succeeds and vanishes when it fails."""
    temporary = path.with_name(f"{path.name}{TEMPORARY}{os.getpid()}")
    with disk_errors(path):
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


_FULL = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file-size limit was reached",
}
_REFUSED = {
    errno.EACCES: "permission denied",
    errno.EROFS: "the disk is read-only",
    errno.EPERM: "permission denied",
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a refused write into a `StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageError(
                f"{path}: {_FULL[error.errno]}; nothing finished is lost: free space and run the same command again"
            ) from None
        if error.errno in _REFUSED:
            raise StorageError(f"{path}: {_REFUSED[error.errno]}; choose a folder that can be written") from None
        raise StorageError(f"{path}: cannot be written ({error.strerror or error}); choose another folder") from error


def storage_failure(path: Path, error: Exception) -> StorageError | None:
    """The `StorageError` behind an engine's own exception, or None when the disk is not to blame."""
    text = str(error).lower()
    if "no space left" in text or "file too large" in text or "disk quota" in text or "max_temp_directory_size" in text:
        return StorageError(
            f"{path}: no space left on the disk; nothing finished is lost: free space and run the same command again"
        )
    return None
