"""Building again: what is there is used, what is new is read, and nothing that stops a build spoils the workspace."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

import explorer
from explorer.build import BuildReport
from explorer.errors import StorageError, WorkspaceError
from explorer.workspace import TEMPORARY
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma, write_jsonl, write_parquet

ROOT = Path(__file__).parents[1]
SMALL_PART = 1 << 12


def write_corpus(root: Path, n_shards: int = 4, n: int = 50) -> Path:
    """Shards of a Dolma corpus with one attribute set."""
    shards = {f"s{i}/0.jsonl.gz": documents(n, f"s{i}") for i in range(n_shards)}
    tags = {name: attribute_rows(rows, score=lambda row: len(row["id"]) / 8) for name, rows in shards.items()}
    return write_dolma(root, shards, {"tags": tags})


def answers(workspace: Path) -> dict[str, Any]:
    """What a reader sees, without what names files and generations."""
    with explorer.open(workspace) as corpus:
        values = (
            "select d.source, d.id, attribute_set, key, first_score from attribute_values join documents d using (doc)"
        )
        return {
            "fingerprint": corpus.fingerprint,
            "attributes": {k: v for k, v in corpus.facts.items() if k.startswith("fingerprint of")},
            "composition": corpus.show("composition").rows(),
            "lengths": corpus.show("length_quantiles").rows(),
            "coverage": corpus.show("attribute_coverage").rows(),
            "values": corpus.sql(f"{values} order by all").rows(),
        }


def read(report: BuildReport) -> tuple[int, int, int]:
    return report.n_parts_indexed, report.n_bytes_read, report.n_attribute_bytes_read


def spoil(path: Path) -> None:
    """Other content of the same size and time: whoever reads it notices, whoever trusts the file system does not."""
    stat = path.stat()
    path.write_bytes(b"\xff" * stat.st_size)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `write_corpus` answers when it is built in one go."""
    root = tmp_path_factory.mktemp("clean")
    build_corpus(write_corpus(root / "in"), root / "ws")
    return answers(root / "ws")


@pytest.fixture(params=["gzip", "parquet"])
def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    root = write_corpus(tmp_path / "in")
    if request.param == "parquet":
        for path in list((root / "documents").rglob("*.gz")):
            write_parquet(path.parent / "0.parquet", documents(50, path.parent.name), row_group_size=10)
            path.unlink()
    return root


def test_nothing_changed_reads_nothing(corpus: Path, tmp_path: Path) -> None:
    first = build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    assert first.n_parts_indexed == first.n_parts > 1
    assert first.n_bytes_read == sum(path.stat().st_size for path in (corpus / "documents").rglob("*.*"))
    before = answers(tmp_path / "ws")
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "ws" / "index").glob("*/*")}
    times |= {p: p.stat().st_mtime_ns for p in (tmp_path / "ws" / "partials").rglob("*.parquet")}
    for path in [p for p in corpus.rglob("*.*") if p.is_file()]:
        spoil(path)
    assert read(build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)) == (0, 0, 0)
    assert answers(tmp_path / "ws") == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_new_shard_alone_is_read(corpus: Path, tmp_path: Path) -> None:
    build_corpus(corpus, tmp_path / "ws")
    for path in [p for p in corpus.rglob("*.*") if p.is_file()]:
        spoil(path)
    new = write_jsonl(corpus / "documents" / "a_new" / "0.jsonl", documents(7, "new"))
    assert read(build_corpus(corpus, tmp_path / "ws")) == (1, new.stat().st_size, 0)
    with explorer.open(tmp_path / "ws") as reader:
        counts = dict(reader.sql("select source, n_docs from composition").rows())
        assert counts == {"s0": 50, "s1": 50, "s2": 50, "s3": 50, "new": 7}


def test_a_new_attribute_set_reads_no_text(corpus: Path, tmp_path: Path) -> None:
    build_corpus(corpus, tmp_path / "ws")
    for path in (corpus / "documents").rglob("*.*"):
        spoil(path)
    new = write_jsonl(
        corpus / "attributes" / "more" / "s1" / "0.jsonl.gz", attribute_rows(documents(50, "s1"), flag=True)
    )
    assert read(build_corpus(corpus, tmp_path / "ws")) == (0, 0, new.stat().st_size)
    with explorer.open(tmp_path / "ws") as reader:
        found = reader.sql("select attribute_set, count(*)::bigint from attribute_values group by 1 order by 1").rows()
        assert found == [("more", 50), ("tags", 200)]


def test_changed_attributes_are_read_again_alone(corpus: Path, tmp_path: Path) -> None:
    build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    changed = corpus / "attributes" / "tags" / "s2" / "0.jsonl.gz"
    write_jsonl(changed, attribute_rows(documents(50, "s2"), score=99))
    n_parts, n_text, n_attributes = read(build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART))
    assert (n_parts, n_text) == (0, 0)
    assert n_attributes >= changed.stat().st_size
    with explorer.open(tmp_path / "ws") as reader:
        assert reader.sql("select count(*) from attribute_values where first_score = 99").item() == 50


def test_a_shard_that_is_gone_takes_its_documents_with_it(corpus: Path, tmp_path: Path) -> None:
    build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    shutil.rmtree(corpus / "documents" / "s1")
    assert read(build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART))[0] <= 1  # at most the part that it shared
    build_corpus(corpus, tmp_path / "clean")
    assert answers(tmp_path / "ws") == answers(tmp_path / "clean")
    with explorer.open(tmp_path / "ws") as reader:
        assert set(reader.show("composition")["source"]) == {"s0", "s2", "s3"}


def test_a_changed_shard_is_read_again(corpus: Path, tmp_path: Path) -> None:
    build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    (changed,) = (corpus / "documents" / "s2").iterdir()
    changed.unlink()
    write_jsonl(corpus / "documents" / "s2" / "0.jsonl.gz", documents(9, "s2"))
    report = build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    assert 0 < report.n_parts_indexed < report.n_parts
    build_corpus(corpus, tmp_path / "clean")
    assert answers(tmp_path / "ws") == answers(tmp_path / "clean")


def test_row_groups_are_neither_lost_nor_read_twice_when_their_part_changes(tmp_path: Path) -> None:
    """A part may hold a run of a large file's row groups and a small file; only the small one changes."""
    large = write_parquet(tmp_path / "in" / "a.parquet", documents(100, "a"), row_group_size=10)
    write_jsonl(tmp_path / "in" / "b.jsonl", documents(3, "b"))
    build_corpus(tmp_path / "in", tmp_path / "ws", part_bytes=SMALL_PART)
    write_jsonl(tmp_path / "in" / "b.jsonl", documents(4, "b"))
    report = build_corpus(tmp_path / "in", tmp_path / "ws", part_bytes=3 * SMALL_PART)
    assert report.n_bytes_read < large.stat().st_size
    with explorer.open(tmp_path / "ws") as reader:
        assert dict(reader.sql("select source, n_docs from composition").rows()) == {"a": 100, "b": 4}
        assert reader.sql("select count(distinct id) from documents").item() == 104


def test_a_title_recomputes_nothing(corpus: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[sources.s0]\ntitle = "Before"\n')
    build_corpus(corpus, tmp_path / "ws", config_path=config)
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "ws" / "partials").rglob("*.parquet")}
    (tmp_path / "ws" / "corpus.toml").write_text('[corpus]\nname = "N"\n[sources.s0]\ntitle = "After"\n')
    assert read(build_corpus(corpus, tmp_path / "ws")) == (0, 0, 0)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "ws" / "partials").rglob("*.parquet")} == made
    with explorer.open(tmp_path / "ws") as reader:
        assert reader.facts["name"] == "N"
        assert reader.sql("select title from composition where source = 's0'").item() == "After"
    # A configuration that is given again wins, and what it replaces is kept.
    build_corpus(corpus, tmp_path / "ws", config_path=config)
    assert "Before" in (tmp_path / "ws" / "corpus.toml").read_text()
    assert "After" in (tmp_path / "ws" / "corpus.toml.before").read_text()


def test_another_input_joins_without_reading_the_first_again(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "one" / "0.jsonl", documents(5, "one"))
    write_jsonl(tmp_path / "two" / "0.jsonl", documents(6, "two"))
    build_corpus(tmp_path / "one", tmp_path / "ws")
    spoil(tmp_path / "one" / "0.jsonl")
    report = build_corpus([tmp_path / "one", tmp_path / "two"], tmp_path / "ws")
    assert report.n_bytes_read == (tmp_path / "two" / "0.jsonl").stat().st_size
    with explorer.open(tmp_path / "ws") as reader:
        assert dict(reader.sql("select source, n_docs from composition").rows()) == {"one": 5, "two": 6}
        assert sorted(reader.sql("select name from shards")["name"]) == ["one/0.jsonl", "two/0.jsonl"]


def test_moved_input_is_not_read_again(corpus: Path, tmp_path: Path) -> None:
    build_corpus(corpus, tmp_path / "ws")
    before = answers(tmp_path / "ws")
    corpus.rename(tmp_path / "elsewhere")
    assert read(build_corpus(tmp_path / "elsewhere", tmp_path / "ws")) == (0, 0, 0)
    assert answers(tmp_path / "ws") == before


def test_a_renamed_folder_that_names_the_source_is_read_again(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "before" / "0.jsonl", [{"id": "1", "text": "t"}])
    build_corpus(tmp_path / "before", tmp_path / "ws")
    (tmp_path / "before").rename(tmp_path / "after")
    build_corpus(tmp_path / "after", tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as reader:
        assert reader.sql("select source from documents").item() == "after"


def test_a_workspace_inside_its_input_is_not_input(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "0.jsonl", documents(5))
    for _ in range(2):
        report = build_corpus(tmp_path / "in", tmp_path / "in" / "ws")
        assert (report.n_docs, report.faults) == (5, ())


def test_a_damaged_index_file_is_made_again(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "in", n_shards=1)
    build_corpus(corpus, tmp_path / "ws")
    before = answers(tmp_path / "ws")
    for folder in ("documents", "attributes", "values"):
        (path,) = (tmp_path / "ws" / "index" / folder).glob("*.parquet")
        path.write_bytes(path.read_bytes()[:-100])  # what a power cut leaves
        build_corpus(corpus, tmp_path / "ws")
        assert answers(tmp_path / "ws") == before, folder


@pytest.mark.parametrize("workers", [1, 2])
def test_what_an_engine_raises_in_a_worker_is_one_line(tmp_path: Path, workers: int) -> None:
    """Rot that leaves size and time as they were is met by the engine itself."""
    corpus = write_corpus(tmp_path / "in", n_shards=1)
    build_corpus(corpus, tmp_path / "ws")
    (path,) = (tmp_path / "ws" / "index" / "documents").glob("*.parquet")
    spoil(path)
    shutil.rmtree(tmp_path / "ws" / "partials")
    with pytest.raises(WorkspaceError, match="remove it and build again") as caught:
        build_corpus(corpus, tmp_path / "ws", workers=workers)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    path.unlink()
    build_corpus(corpus, tmp_path / "ws", workers=workers)
    assert len(answers(tmp_path / "ws")["values"]) == 50


def test_a_reader_keeps_its_generation_while_the_next_is_written(corpus: Path, tmp_path: Path) -> None:
    build_corpus(corpus, tmp_path / "ws")
    with explorer.open(tmp_path / "ws") as old:
        fingerprint = old.fingerprint
        counts = old.show("composition").rows()
        write_jsonl(corpus / "documents" / "new" / "0.jsonl", documents(7, "new"))
        shutil.rmtree(corpus / "documents" / "s0")
        for _ in range(2):
            build_corpus(corpus, tmp_path / "ws")
        assert (old.fingerprint, old.show("composition").rows()) == (fingerprint, counts)
        assert old.sql("select count(*) from documents").item() == 200
        assert old.sql("select count(*) from attribute_values").item() == 200
        with explorer.open(tmp_path / "ws") as new:
            assert new.sql("select count(*) from documents").item() == 157
            assert new.fingerprint != fingerprint


def test_stale_files_go_one_generation_later(tmp_path: Path) -> None:
    source = tmp_path / "in" / "0.jsonl"
    sizes = []
    for n in (3, 4, 5, 6):
        write_jsonl(source, documents(n))
        build_corpus(source, tmp_path / "ws")
        sizes.append(len(list((tmp_path / "ws" / "index" / "documents").glob("*.parquet"))))
    assert sizes == [1, 2, 2, 2]


def test_two_builds_at_once(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "0.jsonl", documents(3))
    build_corpus(source, tmp_path / "ws")
    config = tmp_path / "c.toml"
    config.write_text('[corpus]\nname = "late"\n')
    with (tmp_path / "ws" / "index" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(WorkspaceError, match="another build is writing here"):
            build_corpus(source, tmp_path / "ws", config_path=config)
    assert not (tmp_path / "ws" / "corpus.toml").exists()
    build_corpus(source, tmp_path / "ws", config_path=config)


# --- builds that are stopped -------------------------------------------------------------------------------------

SCRIPT = """
import resource, sys
from pathlib import Path
from explorer.build import build
from explorer.errors import ExplorerError

def main():
    source, out, workers, stop, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    seen = []

    def listen(step):
        if step.name == stop and step.share > 0.5 and not seen:
            seen.append(step)
            print("reached", flush=True)
            sys.stdin.readline()  # until the test has done what it came for

    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        report = build([source], out, workers=workers, memory=256 << 20, part_bytes=1 << 12, listener=listen)
    except KeyboardInterrupt:
        return 130
    except ExplorerError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    print(report.n_docs)
    return 0

if __name__ == "__main__":
    sys.exit(main())
"""


def start(
    tmp_path: Path, corpus: Path, *, workers: int = 2, stop: str = "", limit: int = 0, out: Path | None = None
) -> subprocess.Popen[str]:
    """A build in a process and session of its own, which halts when it gets to work on the step `stop`."""
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(SCRIPT))
    arguments = [str(corpus), str(out or tmp_path / "ws"), str(workers), stop, str(limit)]
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def halted(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The workers of a build that has come to its halt."""
    assert process.stdout is not None
    assert process.stdout.readline() == "reached\n"
    return list(psutil.Process(process.pid).children(recursive=True))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("stop", ["reading text", "computing statistics"])
def test_ctrl_c_in_the_middle(tmp_path: Path, clean: dict[str, Any], workers: int, stop: str) -> None:
    corpus = write_corpus(tmp_path / "in")
    process = start(tmp_path, corpus, workers=workers, stop=stop)
    children = halted(process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (130, "", "")
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    with pytest.raises(WorkspaceError, match="not a workspace"):
        explorer.open(tmp_path / "ws")
    finish(tmp_path, corpus, clean)


def test_a_killed_build_takes_its_workers_with_it(tmp_path: Path, clean: dict[str, Any]) -> None:
    corpus = write_corpus(tmp_path / "in")
    process = start(tmp_path, corpus, stop="reading text")
    children = halted(process)
    assert children
    process.kill()
    process.communicate(timeout=60)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []
    finish(tmp_path, corpus, clean)


def finish(tmp_path: Path, corpus: Path, clean: dict[str, Any]) -> None:
    """The next build goes on where the last one stopped, and equals a clean one."""
    report = build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    assert report.n_parts_indexed < report.n_parts
    assert answers(tmp_path / "ws") == clean
    assert list((tmp_path / "ws").rglob(f"*{TEMPORARY}*")) == []


@pytest.mark.parametrize(("limit", "workers"), [(200, 2), (5_000, 1), (1_000_000, 2)])
def test_a_full_disk(tmp_path: Path, clean: dict[str, Any], workers: int, limit: int) -> None:
    """Under a limit on the size of files the receipts fail, or the index, or the catalogue."""
    corpus = write_corpus(tmp_path / "in")
    process = start(tmp_path, corpus, workers=workers, limit=limit)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith("StorageError: ")
    assert str(tmp_path / "ws") in errors
    assert "free space and run the same command again" in errors
    assert errors.count("\n") == 1
    with pytest.raises(WorkspaceError):
        explorer.open(tmp_path / "ws")
    build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    assert answers(tmp_path / "ws") == clean


def test_a_full_disk_leaves_the_last_generation(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "in", n_shards=2)
    build_corpus(corpus, tmp_path / "ws", part_bytes=SMALL_PART)
    before = answers(tmp_path / "ws")
    write_jsonl(corpus / "documents" / "new" / "0.jsonl", documents(40, "new"))
    process = start(tmp_path, corpus, workers=1, limit=1_000_000)
    _, errors = process.communicate(timeout=120)
    assert "StorageError" in errors
    assert answers(tmp_path / "ws") == before


def test_a_small_file_system(tmp_path: Path, clean: dict[str, Any]) -> None:
    """The real thing, where mounting is allowed."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        corpus = write_corpus(tmp_path / "in")
        with pytest.raises(StorageError, match="no space left on the disk; nothing finished is lost"):
            build_corpus(corpus, small / "ws")
        with pytest.raises(WorkspaceError):
            explorer.open(small / "ws")
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        build_corpus(corpus, small / "ws")
        assert answers(small / "ws") == clean
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "0.jsonl", documents(1))
    with pytest.raises((StorageError, WorkspaceError)) as caught:
        build_corpus(source, source / "ws")
    assert str(source) in str(caught.value)
    with pytest.raises(StorageError):
        build_corpus(source, tmp_path / ("x" * 300))


# --- cuts --------------------------------------------------------------------------------------------------------


def test_no_number_depends_on_the_cut(tmp_path: Path) -> None:
    """The same documents and tags in other files, orders, formats and with more workers."""
    rows = [row for source in ("a", "b", "c") for row in documents(40, source)]
    tags = {
        row["id"]: {"t__t__s": [[0, len(row["text"]), len(row["id"]) / 8]], "n": i % 3} for i, row in enumerate(rows)
    }

    def lay(name: str, cut: list[list[dict[str, Any]]], suffix: str) -> Path:
        root = tmp_path / name
        for i, part in enumerate(cut):
            path = root / "documents" / f"{i}{suffix}"
            if suffix == ".parquet":
                write_parquet(path, part, row_group_size=7)
            else:
                write_jsonl(path, part)
            side = root / "attributes" / "s" / f"{i}{'.jsonl' if suffix == '.parquet' else suffix}"
            write_jsonl(side, [{"id": row["id"], "attributes": tags[row["id"]]} for row in part])
        return root

    halves = [rows[60:], rows[:60]]
    fifths = [rows[i::5][::-1] for i in range(5)]
    layouts = {
        "one": (lay("one", [rows], ".jsonl"), {}),
        "two": (lay("two", halves, ".json.gz"), {"part_bytes": 2000}),
        "five": (lay("five", fifths, ".jsonl.zst"), {"workers": 2, "part_bytes": 1000}),
        "parquet": (lay("parquet", fifths, ".parquet"), {"part_bytes": 3000}),
    }
    found = {}
    for name, (root, options) in layouts.items():
        build_corpus(root, tmp_path / f"ws-{name}", **options)
        found[name] = answers(tmp_path / f"ws-{name}")
    n_parts = {n: len(json.loads((tmp_path / f"ws-{n}" / "manifest.json").read_text())["parts"]) for n in layouts}
    assert n_parts["one"] == 1 < n_parts["two"] < n_parts["five"]
    for name in layouts:
        assert found[name] == found["one"], name
    by_source = pl.DataFrame(found["one"]["composition"], orient="row")
    assert by_source.height == 3
