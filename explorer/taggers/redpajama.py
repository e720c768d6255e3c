"""RedPajama-v2's rule-based quality signals (`redpajama_v2`), equal to its code, oddities included.

Not here: what needs models (classifiers, importance weights, ccnet's perplexity), MinHash, and the block list of
domains, for which there are taggers of URLs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import numpy as np
import polars as pl

from explorer.duplicates.paragraphs import sorted_keys
from explorer.taggers.arrays import M1, MASKS, Bools, Bytes, Hashes, Ints, totals_between
from explorer.taggers.ldnoobw import naughty_words
from explorer.taggers.model import Floats, Scores, Tagger, Tags, every
from explorer.taggers.redpajama_lines import Lines, lines_of, tag_lines
from explorer.taggers.redpajama_types import DUPLICATED, TOP, TYPES
from explorer.taggers.redpajama_words import (
    LETTER,
    LOWER,
    OTHER,
    TERMINATOR,
    UPPER,
    WORD,
    KeySet,
    Normalized,
    Tokens,
    codes_of,
    normalize,
    tokens_of,
)
from explorer.taggers.repeats import Repeats, find_repeats
from explorer.taggers.texts import Texts, n_ellipses, word_keys

_HEAD = 8  # bytes
_LOREM = re.compile("lorem ipsum", re.IGNORECASE)


def _tag(texts: Texts) -> Iterator[Tags]:
    codes = codes_of(texts)
    tokens = tokens_of(texts, codes)
    plain = normalize(texts, codes)
    lines = lines_of(texts, codes, tokens)
    yield from _content(texts, tokens, plain)
    yield from _language(texts, codes, tokens, plain, lines)
    yield from _repetitions(plain)
    yield from tag_lines(texts, lines, codes, plain)


def _content(texts: Texts, tokens: Tokens, plain: Normalized) -> Iterator[Scores]:
    yield every(texts, "rps_doc_ldnoobw_words", _n_naughty(plain))
    yield every(texts, "rps_doc_lorem_ipsum", _lorem_ipsum(plain))
    data = texts.data[: texts.n_bytes]
    brackets = texts.count(np.flatnonzero((data == ord("{")) | (data == ord("}"))))
    yield every(texts, "rps_doc_curly_bracket", brackets / np.maximum(texts.n_chars, 1))
    stops = np.where(plain.words.counts > 0, _n_stop_words(texts, tokens), 0)
    yield every(texts, "rps_doc_stop_word_fraction", stops / np.maximum(tokens.counts, 1))


def _language(texts: Texts, codes: Bytes, tokens: Tokens, plain: Normalized, lines: Lines) -> Iterator[Scores]:
    n_tokens, n_words, n_lines = tokens.counts, plain.words.counts, lines.counts(texts.n_texts)
    n_unlettered, n_capitals = _by_letters(texts, codes, tokens)

    def by(name: str, part: Ints | Floats, whole: Ints) -> Scores:
        docs = np.flatnonzero(whole)
        return Scores(f"rps_doc_{name}", docs, part[docs] / whole[docs])

    yield every(texts, "rps_doc_num_sentences", _n_sentences(texts, codes, tokens))
    yield every(texts, "rps_doc_word_count", n_words)
    yield by("mean_word_length", np.diff(plain.chars[plain.words.bounds]), n_words)
    yield by("symbol_to_word_ratio", _n_symbols(texts), n_tokens)
    ellipses = np.bincount(lines.text[lines.ends_in_ellipsis], minlength=texts.n_texts)
    yield by("frac_lines_end_with_ellipsis", ellipses, n_lines)
    alphabetic = by("frac_no_alph_words", n_tokens - n_unlettered, n_tokens)
    yield Scores(alphabetic.type, alphabetic.docs, 1.0 - alphabetic.scores)
    n_unique, entropies = _vocabulary(plain)
    yield by("frac_unique_words", n_unique, n_words)
    docs = np.flatnonzero(n_words)
    yield Scores("rps_doc_unigram_entropy", docs, entropies[docs])
    yield by("frac_all_caps_words", n_capitals, n_tokens)


def _repetitions(plain: Normalized) -> Iterator[Scores]:
    n_chars = np.maximum(np.diff(plain.chars[plain.words.bounds]), 1)
    for repeats in find_repeats(plain, max(DUPLICATED)):
        if repeats.n in TOP:
            yield every(plain, f"rps_doc_frac_chars_top_{repeats.n}gram", _top(repeats, plain) / n_chars)
        else:
            yield every(plain, f"rps_doc_frac_chars_dupe_{repeats.n}grams", _covered(repeats, plain) / n_chars)


def _top(repeats: Repeats, plain: Normalized) -> Ints:
    """Of each text, the characters of all occurrences of the run that occurs most often, of equals the first; 0 where
    none occurs twice."""
    firsts, counts = repeats.most_common(plain.words)
    beyond = np.minimum(firsts + repeats.n, len(plain.words.text))
    found: Ints = np.where(counts > 1, counts * (plain.chars[beyond] - plain.chars[firsts]), 0)
    return found


def _covered(repeats: Repeats, plain: Normalized) -> Floats:
    """Of each text, the characters of words that lie in any run that occurs twice."""
    places = repeats.places
    # a run counts up to where the next begins, which no other text's does before its end
    beyond = np.minimum(places + repeats.n, np.append(places[1:], len(plain.words.text)))
    n_chars = plain.chars[beyond] - plain.chars[places]
    found: Floats = np.bincount(plain.words.text[places], n_chars, minlength=plain.n_texts).astype(np.float64)
    return found


def _vocabulary(plain: Normalized) -> tuple[Ints, Floats]:
    """Different words of each text, and the entropy of their distribution (nats)."""
    texts = plain.words.text
    keys = plain.word_keys + texts.view(np.uint64) * M1
    order, found = sorted_keys(keys)
    is_first = np.ones(len(found), dtype=bool)
    np.not_equal(found[1:], found[:-1], out=is_first[1:])
    heads = np.flatnonzero(is_first)
    owners = texts[order[heads]]
    # with n words, of which one occurs c times: the sum of -c/n ln(c/n) is ln n - (sum of c ln c) / n
    counts = np.diff(heads, append=len(found))
    again = np.flatnonzero(counts > 1)
    weights = counts[again] * np.log(counts[again])
    totals = np.maximum(plain.words.counts, 1)
    entropies = np.log(totals) - np.bincount(owners[again], weights, minlength=plain.n_texts) / totals
    entropies = np.maximum(entropies, 0.0)  # not a hair below
    return np.bincount(owners, minlength=plain.n_texts), entropies


def _by_letters(texts: Texts, codes: Bytes, tokens: Tokens) -> tuple[Ints, Ints]:
    """Of each text, raw words without ASCII letters, and those in capitals. Most words begin with a letter of lower
    case or with one in upper and one in lower case; of the others all characters are looked at."""
    lower = LETTER | LOWER
    is_word = tokens.codes & WORD > 0
    unclear = np.flatnonzero(is_word & (tokens.codes & lower != lower))
    unclear = unclear[codes[tokens.begin[unclear] + 1] & lower != lower]
    if not texts.is_ascii:  # what is no word character may be upper case: circled letters
        marks = np.flatnonzero(codes & (OTHER | UPPER) == OTHER | UPPER)
        if len(marks):
            is_unclear = np.zeros(len(is_word), dtype=bool)
            is_unclear[unclear] = True
            is_unclear[np.searchsorted(tokens.begin, marks, side="right") - 1] = True
            unclear = np.flatnonzero(is_unclear)
    borders = np.stack([tokens.begin[unclear], tokens.end[unclear]], axis=1).ravel()
    found = np.bitwise_or.reduceat(codes, borders)[::2] if len(borders) else codes[:0]

    def count(chosen: Bools) -> Ints:
        return np.diff(np.searchsorted(unclear[chosen], tokens.bounds))

    n_others = tokens.counts - np.diff(np.searchsorted(np.flatnonzero(is_word), tokens.bounds))
    return n_others + count(found & (LETTER | WORD) == WORD), count(found & (UPPER | LOWER) == UPPER)


def _n_sentences(texts: Texts, codes: Bytes, tokens: Tokens) -> Ints:
    """Of each text, stretches without terminators that hold a word character: as many as matches of the regex
    `\\b[^.!?]+[.!?]*`, of which each begins at the first such character of a stretch and takes all the rest."""
    words = tokens.begin[np.flatnonzero(tokens.codes & WORD > 0)]
    cuts = np.sort(np.concatenate([texts.offsets, np.flatnonzero(codes & TERMINATOR > 0)]), kind="stable")
    is_sentence = np.diff(np.searchsorted(words, cuts)) > 0
    # cuts at one place hold nothing between them
    return totals_between(is_sentence, np.searchsorted(cuts, texts.offsets))


def _n_symbols(texts: Texts) -> Ints:
    """Of each text, the # and the ellipses."""
    return texts.count(np.flatnonzero(texts.data[: texts.n_bytes] == ord("#"))) + n_ellipses(texts)


@cache
def stop_words() -> tuple[str, ...]:
    """The English stop words, those with apostrophes too, which no raw word holds."""
    text = files("explorer.taggers").joinpath("data", "stop_words_en.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if not line.startswith("#"))


@cache
def _stop_keys() -> tuple[KeySet, KeySet, int]:
    """Those that their first eight bytes tell, by these; the keys of the longer ones; and the bytes of the longest."""
    short = Texts(pl.DataFrame({"text": [word for word in stop_words() if len(word) <= _HEAD]}))
    long = tuple(word for word in stop_words() if len(word) > _HEAD)
    return KeySet(short.word_heads), KeySet(word_keys(long)), max(map(len, long))


def _n_stop_words(texts: Texts, tokens: Tokens) -> Ints:
    short, long, longest = _stop_keys()
    n_bytes = tokens.end - tokens.begin
    is_lower = tokens.codes & (LETTER | LOWER) == LETTER | LOWER
    rest = np.flatnonzero(is_lower & (n_bytes > _HEAD) & (n_bytes <= longest))
    rest = rest[long.has(texts.keys_of(tokens.begin[rest], tokens.end[rest]))]
    found = np.flatnonzero(is_lower & (n_bytes <= _HEAD))
    found = found[short.has(texts.load(tokens.begin[found]) & MASKS[n_bytes[found]])]
    return np.diff(np.searchsorted(found, tokens.bounds)) + np.diff(np.searchsorted(rest, tokens.bounds))


@cache
def _naughty_keys() -> tuple[KeySet, dict[int, Hashes]]:
    """The first words of all entries; the keys of entries by the number of their words."""
    entries = [entry.split(" ") for entry in naughty_words()]
    by_length = {
        n: np.unique(
            _run_keys(*(word_keys(tuple(entry[at] for entry in entries if len(entry) == n)) for at in range(n)))
        )
        for n in {len(entry) for entry in entries}
    }
    return KeySet(word_keys(tuple(entry[0] for entry in entries))), by_length


def _run_keys(first: Hashes, *others: Hashes) -> Hashes:
    """Keys of runs of words from those of the words; a single word's is its own."""
    found = first
    for keys in others:
        found = (found ^ (found >> np.uint64(29))) * M1 + keys
    return found


def _n_naughty(plain: Normalized) -> Ints:
    firsts, by_length = _naughty_keys()
    keys, words = plain.word_keys, plain.words
    candidates = np.flatnonzero(firsts.has(keys))
    last = words.bounds[1:][words.text[candidates]]
    found = np.zeros(plain.n_texts, dtype=np.int64)
    for n, entries in by_length.items():
        places = candidates[candidates + n <= last]
        places = places[np.isin(_run_keys(*(keys[places + at] for at in range(n))), entries)]
        found += np.bincount(words.text[places], minlength=plain.n_texts)
    return found


def _lorem_ipsum(plain: Normalized) -> Floats:
    """Occurrences by characters. The few texts that may hold it are read by the regex of the definition."""
    n_chars = np.diff(plain.chars[plain.words.bounds]) + np.maximum(plain.words.counts - 1, 0)
    found = np.zeros(plain.n_texts)
    at = 0
    while (at := plain.folded.find(b"ipsum", at)) >= 0:
        text = int(np.searchsorted(plain.offsets, at, side="right")) - 1
        at = int(plain.offsets[text + 1])
        normalized = " ".join(plain.decode(int(plain.offsets[text]), at).split())
        if "lorem ipsum" in normalized:  # the regex takes dotless i and long s too
            found[text] = len(_LOREM.findall(normalized)) / n_chars[text]
    return found


TAGGERS = (
    Tagger(
        "redpajama_v2",
        "RedPajama-v2's rule-based signals of documents and lines, with its English word lists. A score that is null "
        "there is absent here. Not here: ut1_blacklist (see the taggers of URLs), classifiers, importance weights, "
        "ccnet's numbers, MinHash.",
        "RedPajama-Data-v2, app/src/core/quality_signals (2023); Weber et al. 2024, RedPajama: an Open Dataset for "
        "Training Large Language Models, appendix D",
        TYPES,
        _tag,
    ),
)
