"""`tag`: what both formats hold, what the toolkit's mixer makes of it, bad input, refusals and stopped runs."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow.parquet as pq
import pytest
import zstandard

import explorer
from explorer.errors import InputError, UsageError
from explorer.taggers.corpus import TagReport, tag
from explorer.taggers.model import key_of
from explorer.taggers.registry import check_set_name, load_taggers, parse_specs
from explorer.taggers.run import tag_documents
from tests.corpora import build_corpus, documents, write_bytes, write_dolma, write_jsonl, write_lines, write_parquet
from tests.generate import ODD_SET, generated, write_cut
from tests.oracles.client import Config, Mixer

SPECS = ("gopher_v1", "gopher_v2")
WORDS = "tags__gopher_v2__word_count"
VALUES = (
    "select d.source, d.id, v.* exclude (doc) from attribute_values as v join documents as d using (doc) "
    "where v.attribute_set = 'tags' order by all"
)
OTHERS = (
    "select d.source, d.id, v.* exclude (doc) from attribute_values as v join documents as d using (doc) "
    "where v.attribute_set <> 'tags' order by all"
)
DOCUMENTS = "select source, id, n_bytes, url, created, language, n_tokens, is_id_given from documents order by all"
STATES = "select sum(n_present), sum(n_misaligned), sum(n_missing) from attribute_files where attribute_set = 'tags'"


def run(inputs: Path | Sequence[Path], out: Path, form: Any = "dolma", **options: Any) -> TagReport:
    paths = [inputs] if isinstance(inputs, Path) else inputs
    specs = options.pop("specs", SPECS)
    return tag(
        [str(path) for path in paths], out, specs, options.pop("name", "tags"), form, **{"workers": 1, **options}
    )


def read_lines(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
    assert not data or data.endswith(b"\n")
    return data.split(b"\n")[:-1]


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in read_lines(path)]


def expected(texts: Sequence[str], specs: Sequence[str] = SPECS) -> list[dict[str, Any]]:
    """The attributes of some texts, each tagged alone."""
    found = []
    for text in texts:
        frame = pl.DataFrame(
            {"id": ["x"], "source": ["x"], "text": [text], "url": [None], "metadata": [None]},
            schema=dict.fromkeys(("id", "source", "text", "url", "metadata"), pl.String),
        )
        (tagged,) = tag_documents(frame, load_taggers(specs), "tags")
        found += [orjson.loads(orjson.dumps(row)) for row in tagged.rows()]
    return found


def values(workspace: Path, query: str) -> list[Any]:
    with explorer.open(workspace) as corpus:
        return corpus.sql(query).rows()


def hashes(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated corpus: hostile sources, sets and texts, broken rows, repeated ids, sets missing and misaligned."""
    root = tmp_path_factory.mktemp("tag") / "corpus"
    found = generated(120)
    return write_cut(root, found, [range(50), range(50, 120)])


def test_a_dolma_file_has_a_row_for_each_row_of_the_documents(tmp_path: Path) -> None:
    """Plain, gzip and zstd, nested folders, ids that are numbers, sources from the row and from the folder."""
    rows = generated(60)
    shards: dict[str, list[dict[str, Any]]] = {
        "a.jsonl": [{**row, "id": number} for number, row in enumerate(rows[:20])],
        "deep/er/b.json.gz": [{**row, "id": str(number)} for number, row in enumerate(rows[20:40])],
        "books/c.jsonl.zst": [{k: v for k, v in row.items() if k != "source"} for row in rows[40:]],
    }
    write_dolma(tmp_path / "corpus", shards)
    report = run(tmp_path / "corpus", tmp_path / "corpus")
    assert (report.n_docs, report.n_files, report.notes) == (60, 3, ())
    assert report.n_bytes == sum(len(row["text"].encode()) for row in rows)
    folder = tmp_path / "corpus" / "attributes" / "tags"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == sorted(shards)
    for name, own in shards.items():
        found = read_rows(folder / name)
        assert [list(row) for row in found] == [["id", "attributes", "source"]] * len(own)
        assert [row["id"] for row in found] == [row["id"] for row in own]
        assert [row["source"] for row in found] == [row.get("source", "books") for row in own]
        assert [row["attributes"] for row in found] == expected([row["text"] for row in own])
    assert not list(tmp_path.rglob(".*"))


def test_both_formats_give_the_same_attributes(hostile: Path, tmp_path: Path) -> None:
    """What `build` reads of them is equal, and the sets that the corpus had are still there."""
    run(hostile, tmp_path / "parquet", "parquet")
    (tmp_path / "documents").symlink_to(hostile / "documents")
    run(tmp_path / "documents", tmp_path)
    (tmp_path / "attributes" / "rules").symlink_to(hostile / "attributes" / "rules")
    (tmp_path / "attributes" / ODD_SET).symlink_to(hostile / "attributes" / ODD_SET)
    build_corpus(tmp_path / "documents", tmp_path / "w1")
    build_corpus(tmp_path / "parquet", tmp_path / "w2")
    build_corpus(hostile, tmp_path / "w3")
    for query in (VALUES, DOCUMENTS):
        assert values(tmp_path / "w1", query) == values(tmp_path / "w2", query)
    assert values(tmp_path / "w1", "select count(*) from attribute_values where attribute_set = 'tags'") > [(4000,)]
    assert values(tmp_path / "w1", STATES) == values(tmp_path / "w2", STATES) == [(127, 0, 0)]
    assert values(tmp_path / "w2", OTHERS) == values(tmp_path / "w3", OTHERS) != []


def test_real_documents_in_both_formats(mini_dolma: Path, tmp_path: Path) -> None:
    for source in ("multilingual", "hackernews"):
        (tmp_path / "in" / "documents").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "documents" / source).symlink_to(mini_dolma / "documents" / source)
    run(tmp_path / "in", tmp_path / "parquet", "parquet")
    run(tmp_path / "in", tmp_path / "in")
    build_corpus(tmp_path / "in", tmp_path / "w1")
    build_corpus(tmp_path / "parquet", tmp_path / "w2")
    found = values(tmp_path / "w1", VALUES)
    assert len(found) > 1000
    assert found == values(tmp_path / "w2", VALUES)


def test_the_mixer_filters_by_the_tags(mixer: Mixer, mini_dolma: Path, tmp_path: Path) -> None:
    """The toolkit's mixer takes the attribute files beside the documents, and its filter hits what Python counts."""
    real = [
        orjson.loads(line)
        for path in sorted((mini_dolma / "documents" / "hackernews").glob("*.gz"))
        for line in read_lines(path)
    ]
    hostile = generated(100)
    odd = [{**row, "id": f'{row["id"]}\x00"\\\u2028\n{{'} for row in hostile[50:]]
    numbered = [{**row, "id": number} for number, row in enumerate(hostile[:50])]
    zstd = documents(5, "zstd")
    shards = {"hn/a.json.gz": real, "odd/deep/b.jsonl.gz": odd, "numbered/c.jsonl": numbered, "z/d.jsonl.zst": zstd}
    write_dolma(tmp_path, shards)
    run(tmp_path, tmp_path)
    condition = f"$.attributes[?(@.{WORDS} && @.{WORDS}[0] && @.{WORDS}[0][2] >= 30.0)]"
    stream = {
        "name": "s",
        "documents": [str(tmp_path / "documents" / name) for name in shards],
        "attributes": ["tags"],
        "filter": {"include": [], "exclude": [condition]},
    }
    outcome = mixer.mix_one(Config({"streams": [stream]}))
    assert outcome.error is None
    kept = sorted((str(row.id), row.text_md5) for row in outcome.kept)
    wanted = [
        (str(row["id"]), hashlib.md5(row["text"].encode()).hexdigest())
        for rows in shards.values()
        for row in rows
        if len(row["text"].split()) < 30
    ]
    assert kept == sorted(wanted)
    assert 0 < len(kept) < sum(map(len, shards.values()))


def test_the_same_bytes_with_any_number_of_workers(hostile: Path, tmp_path: Path) -> None:
    rows = generated(200)
    write_parquet(
        tmp_path / "big" / "b.parquet", [{"id": r["id"], "text": r["text"], "score": 0.5} for r in rows], None, 20
    )
    write_parquet(tmp_path / "big" / "c.parquet", [{"text": r["text"]} for r in rows[:30]], None, 10)
    for workers in (1, 2):
        out = tmp_path / str(workers)
        report = run([hostile, tmp_path / "big"], out / "parquet", "parquet", workers=workers, piece_bytes=8_000)
        assert report.n_files > 6
        run([hostile, tmp_path / "big"], out / "dolma", "dolma", workers=workers)
    assert hashes(tmp_path / "1") == hashes(tmp_path / "2")
    pieces = sorted((tmp_path / "1" / "parquet").rglob("b-*.parquet"))
    assert len(pieces) > 2
    assert [path.name for path in pieces] == [f"b-{n:05d}.parquet" for n in range(len(pieces))]
    tables = [pq.read_table(path) for path in pieces]
    assert [name for table in tables for name in table["id"].to_pylist()] == [row["id"] for row in rows]
    found = [dict(row["tags"]) for table in tables for row in table["attributes"].to_pylist()]
    wanted = expected([row["text"] for row in rows])
    for own, other in zip(found, wanted, strict=True):
        assert {key: [[s["start"], s["end"], s["score"]] for s in spans] for key, spans in own.items()} == other
    dolma = read_rows(tmp_path / "1" / "dolma" / "attributes" / "tags" / "b.json.gz")
    assert [row["attributes"] for row in dolma] == wanted
    build_corpus(tmp_path / "big", tmp_path / "w1")
    run(tmp_path / "big", tmp_path / "tagged", "parquet", piece_bytes=8_000)
    build_corpus(tmp_path / "tagged", tmp_path / "w2")
    ids = "select id, is_id_given from documents where source = 'big' order by all"
    assert values(tmp_path / "w1", ids) == values(tmp_path / "w2", ids)
    flat = OTHERS.replace("<> 'tags'", "= 'columns'")
    assert len(values(tmp_path / "w1", flat)) == len(values(tmp_path / "w2", flat)) == 200


BAD_LINES = (
    b'{"id": "a", "source": "s", "text": "One two."}',
    b"",
    b"{no json",
    b'{"id": "c", "source": "s"}',
    b"[1]",
    b'{"source": "s", "text": "Nobody."}',
    b'{"id": 7, "source": "s", "text": "Seven."}',
    b'{"id": "x", "text": "\xff"}',
    b'{"id": "z", "source": "s", "text": ""}',
    b"  ",
    b"nothing more",
)


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_a_line_without_a_document_has_a_row_without_tags(tmp_path: Path, ending: str) -> None:
    """Rows stay on the lines of their documents; the id that is there stands in the row."""
    write_lines(tmp_path / "documents" / f"bad{ending}", BAD_LINES)
    report = run(tmp_path, tmp_path)
    assert report.n_docs == 3
    assert report.notes == (f"documents/bad{ending}: 6 rows left out; `build` and `show rejected_rows` name them",)
    rows = read_rows(tmp_path / "attributes" / "tags" / f"bad{ending}")
    assert [row["id"] for row in rows] == ["a", None, None, "c", None, None, 7, None, "z", None, None]
    assert [bool(row["attributes"]) for row in rows] == [n in (0, 6, 8) for n in range(11)]
    build_corpus(tmp_path, tmp_path / "w")
    assert values(tmp_path / "w", STATES) == [(3, 0, 0)]
    query = "select d.id, v.first_score from attribute_values as v join documents as d using (doc) where key = "
    assert sorted(values(tmp_path / "w", f"{query}'{WORDS}'")) == [("7", 1.0), ("a", 2.0), ("z", 0.0)]


def test_the_mixer_takes_what_it_can(mixer: Mixer, tmp_path: Path) -> None:
    """A document that we leave out for want of an id passes the mixer without tags; other bad lines it refuses."""
    write_lines(tmp_path / "documents" / "a.jsonl", [BAD_LINES[0], BAD_LINES[5], BAD_LINES[6], BAD_LINES[8]])
    run(tmp_path, tmp_path)
    stream = {
        "name": "s",
        "documents": [str(tmp_path / "documents" / "*")],
        "attributes": ["tags"],
        "filter": {"include": [], "exclude": [f"$.attributes[?(@.{WORDS} && @.{WORDS}[0][2] > 1.5)]"]},
    }
    outcome = mixer.mix_one(Config({"streams": [stream]}))
    assert outcome.error is None
    assert [row.id for row in outcome.kept] == ["", 7, "z"]


def test_documents_without_ids_are_named_as_build_names_them(tmp_path: Path) -> None:
    texts = ["one", "two", "two", ""]
    write_jsonl(tmp_path / "in" / "documents" / "a.jsonl", [{"text": text} for text in texts])
    run(tmp_path / "in", tmp_path / "parquet", "parquet")
    (note,) = run(tmp_path / "in", tmp_path / "in").notes
    assert note == "documents/a.jsonl: 4 documents have no id; they are named by their texts, as `build` does"
    names = [f"md5:{hashlib.md5(text.encode()).hexdigest()}" for text in texts]
    assert [row["id"] for row in read_rows(tmp_path / "in" / "attributes" / "tags" / "a.jsonl")] == names
    for name in ("in", "parquet"):
        build_corpus(tmp_path / name, tmp_path / "w" / name)
        found = values(tmp_path / "w" / name, "select id, is_id_given from documents order by id")
        assert found == sorted((name, False) for name in names)
        assert values(tmp_path / "w" / name, STATES) == [(4, 0, 0)]


def test_rows_that_bring_sets_and_ids_late(tmp_path: Path) -> None:
    """Past the first batch, rows of JSON have attributes of their own and ids: nothing of it is lost."""
    rows: list[dict[str, Any]] = [{"text": f"Text {number}."} for number in range(17_000)]
    rows[16_900] |= {"id": "late", "attributes": {"k": [[0, 1, 0.5]]}, "score": 2}
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    shares: list[float] = []
    run(
        tmp_path / "in",
        tmp_path / "out",
        "parquet",
        specs=("gopher_v1",),
        listener=lambda step: shares.append(step.share),
    )
    assert shares[-1] == 1.0
    assert all(0 <= share <= 1 for share in shares)
    table = pq.read_table(tmp_path / "out" / "a.parquet")
    assert table.num_rows == 17_000
    row = table.slice(16_900, 1).to_pylist()[0]
    assert row["id"] == "late"
    assert row["attributes"]["attributes"] == [("k", [{"start": 0, "end": 1, "score": 0.5}])]
    assert row["attribute_values"]["columns"] == [("score", "2")]
    assert dict(row["attributes"]["tags"])["tags__gopher_v1__word_count"][0]["score"] == 2.0
    assert table["id"][0].as_py() == f"md5:{hashlib.md5(b'Text 0.').hexdigest()}"


def test_files_that_cannot_be_read_are_left_out_and_named(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "documents" / "good.jsonl.gz", documents(3))
    write_bytes(tmp_path / "documents" / "bad.jsonl", b'{"id": "x", "other": 1}\n')
    (tmp_path / "documents" / "no.jsonl.gz").write_bytes(b"no gzip")
    whole = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in documents(4000)), mtime=0)
    (tmp_path / "documents" / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "documents" / "no.parquet").write_bytes(b"no parquet")
    for form in ("dolma", "parquet"):
        report = run(tmp_path / "documents", tmp_path / form, form)
        assert report.n_files == 2
        assert 3 < report.n_docs < 4003
        assert [note.split(":")[0] for note in report.notes] == ["cut.jsonl.gz", *["left out"] * 3]
        assert "the file ends in the middle of its compressed stream" in report.notes[0]
        assert "no text in the first 1 rows" in report.notes[1]
        files = [path.name for path in (tmp_path / form).rglob("*") if path.is_file()]
        assert sorted(name.split(".")[0] for name in files) == ["cut", "good"]
    with pytest.raises(InputError, match="no text in the first 1 rows"):
        run(tmp_path / "documents" / "bad.jsonl", tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("form", ["dolma", "parquet"])
def test_nothing_is_overwritten(tmp_path: Path, form: str) -> None:
    write_dolma(tmp_path / "in", {"a.jsonl": documents(2), "b.jsonl": documents(2, "books")})
    run(tmp_path / "in", tmp_path / "out", form)
    before = hashes(tmp_path / "out")
    with pytest.raises(UsageError, match="exists already and is not overwritten"):
        run(tmp_path / "in", tmp_path / "out", form)
    with pytest.raises(UsageError, match="exists already and is not overwritten"):
        run(tmp_path / "in", tmp_path / "out", form, specs=("gopher_v2",))
    assert hashes(tmp_path / "out") == before
    write_jsonl(tmp_path / "in" / "attributes" / "mine" / "other.jsonl", [])
    with pytest.raises(UsageError, match="mine"):
        run(tmp_path / "in", tmp_path / "in" if form == "dolma" else tmp_path / "out2", form, name="mine")
    assert not list(tmp_path.rglob(".tagging*"))


def test_refusals(tmp_path: Path) -> None:
    rows = documents(2)
    write_jsonl(tmp_path / "x" / "documents" / "a.jsonl", rows)
    write_jsonl(tmp_path / "y" / "documents" / "a.jsonl", rows)
    with pytest.raises(UsageError, match="would both go to"):
        run([tmp_path / "x", tmp_path / "y"], tmp_path / "out")
    report = run([tmp_path / "x", tmp_path / "y"], tmp_path / "out", "parquet")  # they keep their folders
    assert report.n_files == 2
    with pytest.raises(UsageError, match="is the input itself"):
        run(tmp_path / "x", tmp_path / "x", "parquet")
    with pytest.raises(UsageError, match="has a set of attributes tags already"):
        run(tmp_path / "out", tmp_path / "out2", "parquet")
    with pytest.raises(UsageError, match="is it gopher_v2"):
        run(tmp_path / "x", tmp_path / "out3", specs=("gopher_v3",))
    for name in ("", "a b", "a/b", "../a", ".a", "_a", "a.b", "ä", "a" * 101, "attributes", "columns", "a\n"):
        with pytest.raises(UsageError):
            check_set_name(name)
    assert check_set_name("olmo-mix_v1") == "olmo-mix_v1"
    assert not (tmp_path / "out3").exists()


def test_specs_are_separated_by_commas() -> None:
    assert parse_specs(["a, b,,a"]) == ("a", "b")
    assert parse_specs(["a,b", "kind:n=x,y.bin"]) == ("a", "b", "kind:n=x,y.bin")
    assert parse_specs(["kind:n=x,b"]) == ("kind:n=x", "b")
    with pytest.raises(UsageError, match="no tagger is named"):
        parse_specs([" , "])


TAGGER = """
import os
from explorer.taggers.model import Tagger, TagType, every
import numpy as np

def tag(texts):
    for text in texts.strings:
        if "WAIT" in text and "WAIT_AT" in os.environ:
            open(os.environ["WAIT_AT"]).read()
        if "FAIL" in text:
            raise IndexError("\\x1b[31mout of range\\nand more")
        if "SPLIT" in text:
            yield every(texts, "score", np.full(texts.n_texts, np.nan))
    yield every(texts, "count", texts.n_chars)

TYPES = (TagType("count", "document", "characters", "characters"),)
TAGGER = Tagger("own", "A tagger of one's own.", "here", TYPES, tag)
"""


@pytest.fixture
def own_tagger(tmp_path: Path) -> dict[str, str]:
    """The environment of a process with a package that brings the tagger `own`, which waits or fails on demand."""
    package = tmp_path / "package"
    info = package / "own-1.0.dist-info"
    info.mkdir(parents=True)
    (package / "own_tagger.py").write_text(TAGGER, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[corpus_explorer.taggers]\nown = own_tagger:TAGGER\n")
    return {**os.environ, "PYTHONPATH": str(package)}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "explorer.cli", "tag", *map(str, arguments)]


@pytest.mark.parametrize("form", ["dolma", "parquet"])
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, own_tagger: Mapping[str, str], form: str) -> None:
    """Killed in the middle of the second file: the first stays as it is, and no half file is ever under its name."""
    write_jsonl(tmp_path / "documents" / "a.jsonl", documents(50))
    write_jsonl(tmp_path / "documents" / "b.jsonl", [{"id": "1", "source": "s", "text": "WAIT"}])
    os.mkfifo(tmp_path / "fifo")
    out = tmp_path / "out"
    line = command(
        tmp_path / "documents", "--taggers", "own,gopher_v2", "--format", form, "--workers", "1", "--out", out
    )
    waiting = {**own_tagger, "WAIT_AT": str(tmp_path / "fifo")}
    with (
        subprocess.Popen(line, env=waiting, stderr=subprocess.DEVNULL) as process,
        (tmp_path / "fifo").open("w"),  # opens when the tagger has come to the second file
    ):
        process.send_signal(signal.SIGKILL)
        process.wait()
    ending = ".parquet" if form == "parquet" else ".jsonl"
    folder = out if form == "parquet" else out / "attributes" / "tags"
    assert (folder / f"a{ending}").exists()
    assert not (folder / f"b{ending}").exists()
    stamp = (folder / f"a{ending}").stat().st_mtime_ns
    other = subprocess.run(
        [*line, "--taggers", "gopher_v1"], env=own_tagger, capture_output=True, check=False, text=True
    )
    assert other.returncode == 2
    assert "from a run that was stopped, of other taggers or other inputs than now" in other.stderr
    again = subprocess.run(line, env=own_tagger, capture_output=True, check=False, text=True)
    assert again.returncode == 0, again.stderr
    assert "1 documents, 0.0 MB of text" in again.stderr
    assert "1 files under" in again.stderr
    assert "(1 were finished before)" in again.stderr
    assert (folder / f"a{ending}").stat().st_mtime_ns == stamp
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [f"a{ending}", f"b{ending}"]
    whole = tmp_path / "whole"
    subprocess.run([*line[:-1], str(whole)], env=own_tagger, capture_output=True, check=True)
    assert hashes(whole) == hashes(out)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("text", "message"), [("FAIL", r"IndexError: \x1b[31mout of range"), ("SPLIT", "a score is no number")]
)
def test_a_tagger_that_fails_is_named_with_its_document(
    tmp_path: Path, own_tagger: Mapping[str, str], workers: str, text: str, message: str
) -> None:
    rows = [*documents(5), {"id": "the\nbad", "source": "s", "text": text}, *documents(3, "more")]
    path = write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    write_jsonl(tmp_path / "in" / "b.jsonl", documents(200))
    line = command(tmp_path / "in", "--out", tmp_path / "out", "--taggers", "gopher_v2,own", "--workers", workers)
    result = subprocess.run(line, env=own_tagger, capture_output=True, check=False, text=True)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"corpus-explorer: {path}, row 6 (id 'the\\nbad'): the tagger own fails: ")
    assert message in last
    assert "leave the tagger out or take the document away" in last
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out" / "a.parquet").exists()


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "documents" / "a.jsonl", [*BAD_LINES, json.dumps({"id": "l", "text": "x" * 100_000}).encode()]
    )
    line = command(tmp_path, "--out", tmp_path, "--taggers", "gopher_v1", "--taggers", "gopher_v2", "--format", "dolma")
    result = subprocess.run(line, capture_output=True, check=False, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert "4 documents, 0.1 MB of text in " in result.stderr
    assert " documents a second): 1 files under " in result.stderr
    assert "documents/a.jsonl: 6 rows left out" in result.stderr
    keys = set(read_rows(tmp_path / "attributes" / "tags" / "a.jsonl")[0]["attributes"])
    assert key_of("tags", "gopher_v1", "word_count") in keys
    assert key_of("tags", "gopher_v2", "word_count") in keys


def test_list_names_the_taggers() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "explorer.cli", "list", "--taggers", "--format", "json"], capture_output=True, check=True
    )
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["gopher_v2"]["types"].split(", ")[-1] == "fraction_of_characters_in_duplicate_lines"
    assert rows["gopher_v2"]["doc"].startswith("Quality and repetition measures")
