"""A Python environment as material for a corpus: its standard library and installed packages, read from disk alone.

Nothing is imported and nothing is fetched. `importlib.metadata` is left aside because it follows `sys.path` (so the
current folder would be part of the corpus) and lists in the order of the disk; here every listing is sorted.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
import sys
import sysconfig
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from platform import python_version

SUFFIXES = (".py", ".pyi", ".pyx", ".pxd")
_LICENCE_NAME = re.compile(r"(un)?licen[cs]e|copying|notice", re.IGNORECASE)
_NOT_MODULES = frozenset({"__pycache__", "site-packages", "test", "tests", "idle_test"})
_HOME_LABELS = ("homepage", "home", "repository", "source", "sourcecode", "github", "code", "documentation")


@dataclass(frozen=True)
class Environment:
    """Where an environment keeps its files. `sites` are searched in order; the first copy of a package counts."""

    stdlib: Path
    sites: tuple[Path, ...]
    python: str


@dataclass(frozen=True)
class Package:
    """An installed package: `name` normalised, `licence` an SPDX expression or else the classifier, `url` its home."""

    name: str
    version: str
    licence: str
    root: Path  # the folder that its paths start from
    url: str = ""
    info: str = ""  # the metadata folder (or file), relative to `root`
    metadata: str = ""  # the metadata file, relative to `root`; empty where there is none
    description_size: int = 0


@dataclass(frozen=True)
class Candidate:
    """A file that may become a document; `read_text` says whether it does."""

    package: Package
    id: str
    path: str  # relative to the package's root, with `/`
    size: int  # bytes of the file, or of the description in it
    modified: float  # seconds since 1970


def current_environment() -> Environment:
    """The environment that this process runs in: folders of installed packages, not whatever else is importable."""
    paths = sysconfig.get_paths()
    known = {paths["purelib"], paths["platlib"]}
    sites = [p for p in sys.path if p and (p in known or Path(p).name in ("site-packages", "dist-packages"))]
    return Environment(
        stdlib=Path(paths["stdlib"]).resolve(),
        sites=tuple(dict.fromkeys(Path(p).resolve() for p in sites if Path(p).is_dir())),
        python=python_version(),
    )


def find_modules(environment: Environment, left_out: Counter[str]) -> Iterator[Candidate]:
    """The modules of the standard library, without its tests."""
    library = Package("python", environment.python, "PSF-2.0", environment.stdlib)
    for top in sorted(sys.stdlib_module_names):
        for path in (f"{top}.py", *_walk(library.root, top, _NOT_MODULES)):
            if path.endswith(".py"):
                yield from _candidate(library, path, path, left_out)


def find_packages(environment: Environment, left_out: Counter[str]) -> list[Package]:
    """Installed packages by name. A package without metadata is known by the name of its folder."""
    found: dict[str, Package] = {}
    for site in environment.sites:
        for info in _names(site):
            if info.endswith(".egg"):
                left_out["packages installed as an egg"] += 1
            if info.endswith((".dist-info", ".egg-info")):
                package = _package(site, info, left_out)
                found.setdefault(package.name, package)
    return [found[name] for name in sorted(found)]


def package_files(packages: Iterable[Package], left_out: Counter[str]) -> Iterator[tuple[str, Candidate]]:
    """What packages hold, as (source, candidate). A file that two packages claim belongs to the first of them."""
    taken: set[tuple[Path, str]] = set()
    for package in packages:
        named = f"{package.name}=={package.version}"
        for path in _listing(package, left_out):
            if (package.root, path) in taken:
                continue
            taken.add((package.root, path))
            inside = path.removeprefix(f"{package.info}/")
            name = path.rpartition("/")[2]
            if inside != path:
                if inside.startswith("licenses/") or _LICENCE_NAME.match(name):
                    for one in _candidate(package, f"{named}/{inside}", path, left_out):
                        yield "licences", one
            elif path.endswith(SUFFIXES) and not name.startswith("__editable__"):
                for one in _candidate(package, f"{package.name}/{path}", path, left_out):
                    yield "packages", one
        if package.description_size:
            for one in _candidate(package, named, package.metadata, left_out):
                yield "descriptions", replace(one, size=package.description_size)


def read_text(candidate: Candidate, source: str, left_out: Counter[str]) -> str | None:
    """The text of a candidate, or None where it has none that can be used (counted in `left_out`)."""
    path = candidate.package.root / candidate.path
    if not path.resolve().is_relative_to(candidate.package.root.resolve()):
        left_out["links that lead out of the environment"] += 1
        return None
    data = _read(path)
    if data is None:
        left_out["unreadable files"] += 1
        return None
    text = decode(data)
    if text is None:
        left_out["binary or undecodable files"] += 1
    elif source == "descriptions":
        return _description(HeaderParser().parsestr(text))
    return text


def decode(data: bytes) -> str | None:
    """Bytes as text: UTF-8, else what a coding cookie names (PEP 263); None for anything else and for binary data.

    Line ends stay as they are.
    """
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode(tokenize.detect_encoding(io.BytesIO(data).readline)[0])
        text.encode()  # an escape codec can make lone surrogates, which no UTF-8 text holds
    except (LookupError, SyntaxError, UnicodeError):
        return None
    return text


def _package(site: Path, info: str, left_out: Counter[str]) -> Package:
    # an .egg-info may be a folder, or itself the file
    paths = [path for path in (f"{info}/METADATA", f"{info}/PKG-INFO", info) if (site / path).is_file()]
    data = _read(site / paths[0]) if paths else None
    text = decode(data) if data is not None else None
    if text is None:
        left_out["packages without readable metadata"] += 1
    headers = HeaderParser().parsestr(text or "")
    folder_name, _, folder_version = info.rpartition(".")[0].partition("-")
    return Package(
        name=re.sub(r"[-_.]+", "-", _header(headers, "Name") or folder_name).lower(),
        version=_header(headers, "Version") or folder_version.partition("-")[0] or "unknown",
        licence=_licence(headers),
        url=_home(headers),
        root=site,
        info=info,
        metadata=paths[0] if text is not None else "",
        description_size=len(_description(headers).encode()),
    )


def _header(headers: Message, name: str) -> str:
    value = " ".join(str(headers.get(name) or "").split())
    return "" if value == "UNKNOWN" else value


def _description(headers: Message) -> str:
    """The long description: the body, or in old metadata a header whose lines are indented."""
    body = str(headers.get_payload())
    if not body.strip():
        body = re.sub(r"\n(?: {8}| {7}\|)", "\n", str(headers.get("Description") or ""))
    return "" if body.strip() in ("", "UNKNOWN") else body


def _licence(headers: Message) -> str:
    """The SPDX expression, else the classifiers, else a licence field of one short line; empty where none is stated."""
    stated = [str(c).split(" :: ") for c in headers.get_all("Classifier", []) if str(c).startswith("License :: ")]
    names = sorted({parts[-1].strip() for parts in stated if parts[-1] != "OSI Approved"})
    field = _header(headers, "License")
    return (
        _header(headers, "License-Expression") or "; ".join(names) or (field if re.fullmatch(r".{1,60}", field) else "")
    )


def _home(headers: Message) -> str:
    """The home page, else the repository, else the first other project URL; empty where none is stated."""
    urls: dict[str, str] = {}
    for value in headers.get_all("Project-URL", []):
        label, _, url = str(value).partition(",")
        urls.setdefault(re.sub(r"[^a-z]", "", label.lower()), url.strip())
    urls = {label: url for label, url in urls.items() if re.match(r"https?://\S+\Z", url)}
    home = _header(headers, "Home-page")
    if re.match(r"https?://\S+\Z", home):
        urls.setdefault("homepage", home)
    return next((urls[label] for label in _HOME_LABELS if label in urls), next(iter(urls.values()), ""))


def _listing(package: Package, left_out: Counter[str]) -> list[str]:
    """The files of a package, relative to its root. Without a RECORD (system packages) its top folders are walked."""
    listed = _record(package)
    if listed is not None:
        inside = [path for path in listed if _is_inside(path)]
        left_out["listed files outside the package folder"] += len(listed) - len(inside)
        return inside
    names = _read(package.root / package.info / "top_level.txt")
    tops = (decode(names) or "").split() if names is not None else [package.name.replace("-", "_")]
    found = list(_walk(package.root, package.info, frozenset()))
    for top in sorted({top for top in tops if _is_inside(top)}):
        found += [f"{top}.py"] if (package.root / f"{top}.py").is_file() else _walk(package.root, top, _NOT_MODULES)
    return found


def _record(package: Package) -> list[str] | None:
    """The paths that the package's RECORD lists, or None where there is none that can be read."""
    data = _read(package.root / package.info / "RECORD")
    text = decode(data) if data is not None else None
    if text is None:
        return None
    try:
        return sorted({row[0] for row in csv.reader(text.splitlines()) if row})
    except csv.Error:
        return None


def _is_inside(path: str) -> bool:
    return bool(path) and ".." not in path.split("/") and not re.match(r"/|\\|[A-Za-z]:", path)


def _walk(root: Path, top: str, without: frozenset[str]) -> Iterator[str]:
    """Files below a folder in a fixed order, links to folders not followed."""
    if (root / top).is_symlink():
        return
    for folder, folders, names in os.walk(root / top):
        folders[:] = sorted(set(folders) - without)
        below = Path(folder).relative_to(root).as_posix()
        yield from (f"{below}/{name}" for name in sorted(names))


def _candidate(package: Package, name: str, path: str, left_out: Counter[str]) -> Iterator[Candidate]:
    """The file as a candidate; nothing where it is no file, or where its name is no text."""
    try:
        found = (package.root / path).stat()
        name.encode()
    except UnicodeEncodeError:
        left_out["files whose name is not UTF-8"] += 1
    except OSError:
        return  # listed but not there: removed by hand, or a name guessed for a package without a list
    else:
        if stat.S_ISREG(found.st_mode):
            yield Candidate(package, name, path, found.st_size, found.st_mtime)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
