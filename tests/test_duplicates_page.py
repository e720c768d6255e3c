"""The clusters of the Duplicates page: what is listed, who is a member, what differs, and what is said instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

import explorer
from explorer.app.duplicates_compare import facts_of
from explorer.app.duplicates_html import escaped, facts_html, side_html, text_html
from explorer.app.launch import WORKSPACE_VARIABLE
from explorer.app.text import safe
from explorer.app.words import why_empty
from explorer.duplicates.clusters import (
    MAX_MEMBERS,
    Side,
    Source,
    clusters_sql,
    count_sql,
    difference,
    kinds_looked_for,
    members_sql,
    texts_of,
)
from explorer.errors import WorkspaceError
from explorer.statistic import load_statistics
from tests.corpora import build_corpus, documents, write_jsonl, write_parquet

ROOT = Path(__file__).parents[1]
HOSTILE = "<script>alert(1)</script> **bold** :red[x] [l](http://evil.example) $x$ `c` | \u202eback"
HOSTILE_SOURCE = "<img src=x onerror=alert(1)> | **s**"
Open = Callable[..., AppTest]
Row = dict[str, Any]


def row(name: str, source: str, text: str, url: str | None = None, **metadata: Any) -> Row:
    return {"id": name, "source": source, "text": text, "metadata": {"url": url, **metadata}}


def corpus_rows() -> list[Row]:
    """Clusters of every kind, in sources of which one is markup."""
    common = " ".join(f"word{n}" for n in range(40))
    rows = [
        row("a", "web", f"{common} {HOSTILE} the end", "https://x.org/1", title="<b>One</b>", price=1),
        row("b", HOSTILE_SOURCE, f"{common} {HOSTILE} and more the end", "https://x.org/1", title="<b>Two</b>"),
        row("c", "books", f"{common} nothing of it the end", "https://x.org/1"),
        row("d", HOSTILE_SOURCE, HOSTILE, "https://x.org/2"),
        row("e", "web", HOSTILE, "https://x.org/3"),
    ]
    rows += [row(f"many-{n:03d}", "books", "Boilerplate.", f"https://books.org/{n}") for n in range(240)]
    rows += [row(f"many-{n}", "web", "Boilerplate.") for n in range(3)]
    for n in range(60):
        rows += [row(f"pair-{n}-{copy}", ("web", "books")[n % 3 and copy], f"Pair number {n}.") for copy in range(2)]
    return [*rows, *documents(10, "alone")]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clusters")
    rows = corpus_rows()
    for n in range(3):  # several shards
        write_jsonl(root / "in" / f"{n}.jsonl", rows[n::3])
    build_corpus(root / "in", root / "workspace")
    return root / "workspace"


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    def run(workspace: Path, parameters: Mapping[str, str] | None = None, view: str = "Clusters") -> AppTest:
        monkeypatch.setenv(WORKSPACE_VARIABLE, str(workspace))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for name, value in {"view": view, **(parameters or {})}.items():
            app.query_params[name] = value
        app.switch_page("pages/duplicates.py")
        return app.run()

    return run


def texts(app: AppTest) -> str:
    blocks = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.error, *app.info, *app.warning]
    return "\n".join(str(block.value) for block in blocks)


def html_of(app: AppTest) -> list[str]:
    return [str(block.proto.body) for block in app.get("html")]


def table(app: AppTest, column: str) -> Any:
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


class Parts(HTMLParser):
    """What a browser would see: the tags, and the text of all and of the marked."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.said = self.marked = ""
        self._is_marked = self._is_ours = False
        self.feed(body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"class", "dir", "tabindex", "role", "aria-label", "scope"}
        self._is_marked = tag == "mark"
        self._is_ours = tag == "span"

    def handle_endtag(self, tag: str) -> None:
        self._is_marked = self._is_ours = False

    def handle_data(self, data: str) -> None:
        if not self._is_ours:
            self.said += data
            self.marked += data if self._is_marked else ""


# the difference of two texts

SOME_TEXT = st.lists(
    st.sampled_from(["a", "b", "the", "<b>", "é", "文", "字", " ", " ", "\n", "\u00a0", "  ", "😀", "&amp;", "x" * 30]),
    max_size=60,
).map("".join)


@settings(max_examples=400)
@given(SOME_TEXT, SOME_TEXT, SOME_TEXT, SOME_TEXT, st.integers(1, 400), st.integers(0, 20))
def test_both_texts_can_be_had_back(
    before: str, left: str, right: str, after: str, max_chars: int, context: int
) -> None:
    texts = (before + left + after, before + right + after)
    found = difference(*texts, max_chars, context)
    for side, text in zip((found.left, found.right), texts, strict=True):
        pieces = "".join(piece.text for piece in side.pieces)
        assert text.startswith(pieces, side.n_before)
        assert side.n_before + len(pieces) + side.n_cut + side.n_after == len(text)
        assert len(pieces) <= max_chars
    assert len(found.left.pieces) == len(found.right.pieces)
    for ours, theirs in zip(found.left.pieces, found.right.pieces, strict=True):
        assert ours.is_same == theirs.is_same == (ours.text == theirs.text)
    assert found.left.n_before == found.right.n_before
    assert texts[0][: found.left.n_before] == texts[1][: found.right.n_before]
    assert found.left.n_after == found.right.n_after
    ends = [text[len(text) - found.left.n_after :] for text in texts]
    assert ends[0] == ends[1]
    if texts[0] == texts[1]:
        assert all(piece.is_same for side in (found.left, found.right) for piece in side.pieces)
    elif not found.left.n_cut and not found.right.n_cut:
        assert any(not piece.is_same for side in (found.left, found.right) for piece in side.pieces)


def different(side: Side) -> list[str]:
    return [piece.text for piece in side.pieces if not piece.is_same and piece.text]


def test_words_are_marked_where_they_differ() -> None:
    found = difference("one two three four", "one 2 three  four five")
    assert different(found.left) == ["two", " "]
    assert different(found.right) == ["2", "  ", " five"]


def test_scripts_without_spaces_are_compared_by_character() -> None:
    found = difference("我喜歡貓。", "我不喜歡狗。")
    assert different(found.left) == ["貓"]
    assert different(found.right) == ["不", "狗"]


def test_long_texts_are_cut_and_say_so() -> None:
    start, end = "same " * 100_000, " too" * 100_000
    found = difference(f"{start}A B C{end}", f"{start}A X C{end}")
    assert (different(found.left), different(found.right)) == (["B"], ["X"])
    assert found.left.n_cut == found.right.n_cut == 0
    assert sum(len(piece.text) for piece in found.left.pieces) < 1000
    left, right = (" ".join(f"{n} " * 2 for n in range(first, 50_000)) for first in (0, 1))
    found = difference(f"{left}left", f"{right}right", max_chars=1000)
    # the right window reaches further; whether the left one has that too is not known, so that it is not marked
    assert [text.split() for text in different(found.left)] == [["0", "0"]]
    assert different(found.right) == []
    assert found.left.n_cut > 200_000


def test_few_words_again_and_again_are_compared_in_bounded_time() -> None:
    """Without a bound this takes minutes."""
    left, right = (" ".join(f"the {side}{n}" for n in range(2500)) for side in "lr")
    found = difference(f"same {left} same", f"same {right} same")
    assert next(piece.text for piece in found.left.pieces if piece.is_same).startswith("same")
    boilerplate = " ".join(f"p{n}" for n in range(40))
    found = difference(f"a {' '.join([boilerplate] * 50)} b", f"x {' '.join([boilerplate] * 49)} y")
    assert sum(len(text.split()) for text in different(found.left)) == 42
    assert sum(len(text.split()) for text in different(found.right)) == 2


@given(SOME_TEXT, SOME_TEXT, st.booleans())
def test_marked_html_shows_the_text_and_no_tag_of_its_own(left: str, right: str, is_whole: bool) -> None:
    found = difference(left, right)
    for side, name, text in ((found.left, "left", left), (found.right, "right", right)):
        seen = Parts(side_html(side, name, "Text", is_whole=is_whole))
        assert seen.tags <= {"div", "mark", "span"}
        assert seen.marked == "".join(different(side))
        assert seen.said == text  # shorter than what would be folded


def test_long_runs_of_the_same_are_folded() -> None:
    run = "word " * 400
    side = difference(f"a {run}b {run}c", f"x {run}y {run}z").left
    whole, folded = (Parts(side_html(side, "left", "Text", is_whole=is_whole)) for is_whole in (True, False))
    assert whole.said == f"a {run}b {run}c"
    assert len(folded.said) < len(whole.said) / 2
    assert folded.marked == whole.marked == "abc"
    assert "1,4" in side_html(side, "left", "Text", is_whole=False)  # how many characters


def test_what_cannot_be_seen_is_shown() -> None:
    assert escaped("a\u202eb\r\n\tc\x00<") == "a\\u202eb\\r\n\tc\\x00&lt;"
    assert escaped("نیم\u200cفاصله") == "نیم\u200cفاصله"
    assert Parts(text_html(HOSTILE, 'a "label"')).tags == {"div"}


def test_facts_are_text() -> None:
    one = dict.fromkeys(FIELDS) | {"id": HOSTILE, "n_words": 1200, "metadata": '{"<i>":"<b>","n":1}'}
    two = dict.fromkeys(FIELDS) | {"id": HOSTILE, "n_words": 7, "metadata": None}
    facts = facts_of(one, two)
    assert ("Id", HOSTILE, HOSTILE) in facts
    assert ("Words", "1,200", "7") in facts
    assert ("metadata.<i>", "<b>", "") in facts
    assert ("metadata.n", "1", "") in facts
    assert "URL" not in [fact[0] for fact in facts]
    seen = Parts(facts_html(facts))
    assert seen.tags == {"table", "thead", "tbody", "tr", "th", "td", "mark", "wbr"}
    assert seen.marked == "1,2007<b>–1–"


def test_endless_metadata_is_cut() -> None:
    one = dict.fromkeys(FIELDS) | {"metadata": json.dumps({f"k{n}": "v" * 9000 for n in range(500)})}
    facts = facts_of(one, one)
    assert len(facts) == 61
    assert facts[-1][0] == "and 440 more fields"
    assert len(facts_html(facts)) < 60_000


FIELDS = (
    "source", "id", "url", "domain", "created", "added", "language", "licence", "n_bytes", "n_chars", "n_words",
    "n_lines", "n_paragraphs", "n_tokens", "text_md5", "metadata",
)  # fmt: skip

# the queries, against plain Python


def clusters_of(kind: str) -> dict[str, list[Row]]:
    """By URL or text: the documents of each cluster, in the order of copies (sources by name, then ids)."""
    field: Callable[[Row], str] = (
        (lambda one: one["metadata"]["url"] or "") if kind == "url" else lambda one: one["text"]
    )
    rows = sorted((one for one in corpus_rows() if field(one)), key=field)
    found = {name: sorted(own, key=lambda r: (r["source"], r["id"])) for name, own in groupby(rows, field)}
    return {name: own for name, own in found.items() if len(own) > 1}


def number_of(source: str) -> Source:
    return source, sorted({one["source"] for one in corpus_rows()}).index(source)


@pytest.mark.parametrize("kind", ["url", "text"])
@pytest.mark.parametrize(
    "among", [(), ("web",), ("web", "books"), (HOSTILE_SOURCE, "web"), ("books", "books"), ("web", "web"), ("alone",)]
)
def test_clusters_are_listed_by_size_and_sources(workspace: Path, kind: str, among: tuple[str, ...]) -> None:
    expected = {}
    for own in clusters_of(kind).values():
        sources = [one["source"] for one in own]
        if len(among) == 2 and among[0] == among[1]:
            if sources.count(among[0]) > 1:
                first = next(one["id"] for one in own if one["source"] == among[0])
                expected[first] = (len(own), sources.count(among[0]))
        elif set(among) <= set(sources):
            expected[own[0]["id"]] = (len(own), len(own))
    chosen = [number_of(source) for source in among]
    with explorer.open(workspace) as corpus:
        assert corpus.sql(count_sql(kind, chosen))["n_clusters"].to_list() == [len(expected)]
        listed = corpus.sql(clusters_sql(kind, chosen, 1000, 0))
        first, second = (corpus.sql(clusters_sql(kind, chosen, 7, offset)) for offset in (0, 7))
    assert dict(zip(listed["id"], listed.select("n_copies", "size").rows(), strict=True)) == expected
    assert listed["size"].to_list() == sorted(listed["size"], reverse=True)
    assert [*first["key"], *second["key"]] == listed["key"].to_list()[:14]


@pytest.mark.parametrize("kind", ["url", "text"])
def test_members_come_in_the_order_of_copies(workspace: Path, kind: str) -> None:
    by_first = {own[0]["id"]: own for own in clusters_of(kind).values()}
    with explorer.open(workspace) as corpus:
        for first, key in corpus.sql(clusters_sql(kind, [], 30, 0)).select("id", "key").iter_rows():
            own = by_first[first]
            members = corpus.sql(members_sql(kind, key, limit=1000))
            assert members["id"].to_list() == [one["id"] for one in own]
            assert members["place"].to_list() == list(range(1, len(own) + 1))
            assert members.filter("is_first")["place"].to_list() == [1]
            longest = max(len(one["text"].encode()) for one in own)
            assert members.filter("is_longest")["n_bytes"].to_list() == [longest]
            texts = [one["text"] for one in own]
            distinct = list(dict.fromkeys(texts))
            assert members["text_number"].to_list() == [distinct.index(text) + 1 for text in texts]


def test_kept_is_what_the_steps_leave(workspace: Path) -> None:
    """The first document of each URL stays, then the first of each text of those that are left."""
    order = sorted(corpus_rows(), key=lambda one: (one["source"], one["id"]))
    seen_urls: set[str] = set()
    left = []
    for one in order:
        url = one["metadata"]["url"]
        if url is None or url not in seen_urls:
            left.append(one)
        seen_urls |= {url} - {None}
    kept = {own["text"]: own for own in reversed(left)}
    names = {(own["source"], own["id"]) for own in kept.values()}
    with explorer.open(workspace) as corpus:
        for kind in ("url", "text"):
            for key in corpus.sql(clusters_sql(kind, [], 30, 0))["key"]:
                for member in corpus.sql(members_sql(kind, key, limit=1000)).iter_rows(named=True):
                    assert member["is_kept"] == ((member["source"], member["id"]) in names)


def test_of_a_large_cluster_every_source_is_shown(workspace: Path) -> None:
    with explorer.open(workspace) as corpus:
        key = corpus.sql(clusters_sql("text", [], 1, 0))["key"][0]
        members = corpus.sql(members_sql("text", key, limit=5))
    assert members["n_copies"].to_list() == [243] * 5
    assert members["place"].to_list() == [1, 2, 3, 4, 241]
    assert members["source"].to_list() == ["books"] * 4 + ["web"]


def test_a_key_is_no_sql() -> None:
    with pytest.raises(ValueError, match="badly formed"):
        members_sql("text", "' or true --")
    assert "''''" in clusters_sql("text", [("'", 0)] * 2, 1, 0)


def test_texts_are_found_in_every_part(workspace: Path) -> None:
    expected = {(one["source"], one["id"]): one["text"] for one in corpus_rows()}
    with explorer.open(workspace) as corpus:
        rows = corpus.sql("select part, doc, source, id from documents order by hash(id) limit 40").rows()
        found = texts_of(corpus.root, corpus.manifest, [(part, doc) for part, doc, _, _ in rows])
    assert found == [expected[source, name] for _, _, source, name in rows]


def test_kinds_are_those_that_the_build_looked_for() -> None:
    assert kinds_looked_for({}) == ()
    assert kinds_looked_for({"duplicates": {"min_paragraph": None, "near": None}}) == ()
    assert kinds_looked_for({"duplicates": {"min_paragraph": 1, "near": None}}) == ("url", "text")
    assert kinds_looked_for({"duplicates": {"min_paragraph": 20, "near": 0.7}}) == ("url", "text", "near")


# the page


def test_figures_are_the_cards_of_the_section(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, view="Figures")
    assert not app.exception
    assert not app.error
    expected = [safe(one.title) for one in load_statistics().values() if one.section == "duplicates"]
    assert [block.value for block in app.subheader] == expected


def test_the_largest_cluster_is_open(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace)
    assert not app.exception
    assert not app.error
    assert [block.value for block in app.subheader] == ["Clusters of copies", "243 copies"]
    said = texts(app)
    assert "62 clusters, 1 to 50 shown; the largest first." in said
    assert f"The other {243 - MAX_MEMBERS} are not." in said
    assert "The texts are the same, byte for byte" in said
    assert table(app, "is_kept").shape[0] == MAX_MEMBERS
    assert any("Boilerplate." in body for body in html_of(app))
    assert "cluster" not in app.query_params


def test_a_link_opens_kind_sources_cluster_and_members(open_page: Open, workspace: Path) -> None:
    with explorer.open(workspace) as corpus:
        key = corpus.sql(clusters_sql("url", [], 1, 0))["key"][0]
    link = {"clusters.kind": "url", "clusters.a": "web", "clusters.b": "books", "cluster": key, "right": "3"}
    app = open_page(workspace, link)
    assert not app.exception
    assert [block.value for block in app.subheader] == ["Clusters of copies", "3 copies"]
    assert "1 cluster; the largest first." in texts(app)
    assert app.selectbox(key=f"right.{key}").value == 3
    assert app.query_params["right"] == "3"
    assert list(table(app, "text_number")["text_number"]) == [1, 2, 3]


def test_two_members_are_compared_and_chosen(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"clusters.kind": "url"})
    bodies = [body for body in html_of(app) if "ce-text" in body and "role=" in body]
    left, right = (Parts(body) for body in bodies)
    # <img…> comes before books and web
    assert "and more" in left.marked
    assert "nothing of it" in right.marked
    next(box for box in app.selectbox if box.label == "Right").set_value(3).run()
    assert not app.exception
    left, right = (Parts(body) for body in html_of(app) if "role=" in body)
    assert (left.marked.strip(), right.marked) == ("and more", "")
    assert HOSTILE.replace("\u202e", "\\u202e") in right.said
    assert app.query_params["right"] == "3"
    facts = "".join(body for body in html_of(app) if "ce-facts" in body and "<table" in body)
    assert "&lt;b&gt;One&lt;/b&gt;" in facts


def test_hostile_text_and_names_are_text_everywhere(open_page: Open, workspace: Path) -> None:
    for parameters in ({"clusters.kind": "url"}, {"clusters.a": HOSTILE_SOURCE}, {"clusters.b": HOSTILE_SOURCE}):
        app = open_page(workspace, parameters)
        assert not app.exception
        assert "<script" not in texts(app)
        assert "<img" not in texts(app)
        for body in html_of(app):
            assert "<script" not in body
            assert "<img" not in body
            assert "\u202e" not in body


def test_a_row_of_the_list_opens_its_cluster(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace)
    with explorer.open(workspace) as corpus:
        listed = corpus.sql(clusters_sql("text", [], 50, 0))
    app.session_state[f"clusters.text..{listed['key'][0]}"] = {"selection": {"rows": [1]}}
    app.run()
    assert not app.exception
    assert app.query_params["cluster"] == listed["key"][1]
    assert "2 copies" in [block.value for block in app.subheader]


@pytest.mark.parametrize(
    "parameters",
    [
        {"cluster": "'; drop table documents --"},
        {"cluster": "00000000-0000-0000-0000-000000000000", "left": "-1", "right": "²"},
        {"clusters.kind": "stars", "clusters.a": "nobody", "clusters.page": "900", "view": "Nothing"},
        {"left": "1", "right": "1"},
        {"left": "99999999999999999999", "whole": "perhaps"},
    ],
)
def test_nonsense_in_a_link_does_no_harm(open_page: Open, workspace: Path, parameters: Mapping[str, str]) -> None:
    app = open_page(workspace, parameters)
    assert not app.exception
    assert not app.error


def test_a_cluster_that_is_gone_gives_way_to_the_largest(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"cluster": "00000000-0000-0000-0000-000000000000"})
    assert "The cluster of this link is not there" in texts(app)
    assert "243 copies" in [block.value for block in app.subheader]


def test_a_later_page_of_the_list(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"clusters.page": "2"})
    assert not app.exception
    assert "62 clusters, 51 to 62 shown" in texts(app)
    assert table(app, "sources").shape[0] == 12


def test_within_a_source(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace, {"clusters.a": "web", "clusters.b": "web"})
    frame = table(app, "sources")
    assert (frame["n_copies"].iloc[0], frame["size"].iloc[0]) == (243, 3)
    app = open_page(workspace, {"clusters.a": "alone"})
    assert "No cluster of this kind is like that" in texts(app)


def test_near_duplicates_that_were_not_looked_for(open_page: Open, workspace: Path) -> None:
    app = open_page(workspace)
    assert list(app.segmented_control(key="clusters.kind").options) == ["url", "text"]
    assert "a build with `--near` finds them" in texts(app)


def test_near_duplicates(open_page: Open, tmp_path: Path) -> None:
    build_corpus(write_jsonl(tmp_path / "in.jsonl", corpus_rows()[:5]), tmp_path / "ws", near=0.5)
    app = open_page(tmp_path / "ws", {"clusters.kind": "near"})
    assert not app.exception
    assert [block.value for block in app.subheader] == ["Clusters of copies", "3 documents"]
    assert "There are 3 different texts" in texts(app)
    assert "--near" not in texts(app)
    assert len([body for body in html_of(app) if "role=" in body]) == 2


def test_texts_that_are_not_kept(open_page: Open, tmp_path: Path) -> None:
    build_corpus(write_jsonl(tmp_path / "in.jsonl", corpus_rows()), tmp_path / "ws", keep_text=False)
    app = open_page(tmp_path / "ws", {"clusters.kind": "url"})
    assert not app.exception
    (warning,) = [block.value for block in app.warning]
    assert "no-text" in warning
    assert "build again" in warning
    assert any("<table" in body for body in html_of(app))  # what is known of them is shown all the same


def test_shards_that_are_gone(open_page: Open, tmp_path: Path) -> None:
    rows = [row("a", "web", "One text."), row("b", "web", "One text.")]
    build_corpus(write_parquet(tmp_path / "in.parquet", rows), tmp_path / "ws")
    assert "The texts are the same" in texts(open_page(tmp_path / "ws"))
    (tmp_path / "in.parquet").unlink()
    with explorer.open(tmp_path / "ws") as corpus, pytest.raises(WorkspaceError, match="build again"):
        texts_of(corpus.root, corpus.manifest, [(0, 0)])


def test_duplicates_that_were_not_looked_for(open_page: Open, tmp_path: Path) -> None:
    build_corpus(write_jsonl(tmp_path / "in.jsonl", corpus_rows()[:8]), tmp_path / "ws", duplicates=False)
    for view in ("Figures", "Clusters"):
        app = open_page(tmp_path / "ws", view=view)
        assert not app.exception
        assert "Duplicates were not looked for in this build" in texts(app)
        assert any("--duplicates" in str(block.value) for block in app.code)
    assert "--duplicates" in why_empty("duplicates", {})


def test_nothing_twice_and_one_source(open_page: Open, tmp_path: Path) -> None:
    build_corpus(write_jsonl(tmp_path / "in.jsonl", documents(4)), tmp_path / "ws")
    said = texts(open_page(tmp_path / "ws"))
    assert "No two documents have the same text." in said
    assert "The corpus has one source" in said
    assert "No two documents have the same URL." in texts(open_page(tmp_path / "ws", {"clusters.kind": "url"}))
