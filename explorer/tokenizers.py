"""Token counts with vocabularies that lie inside a package, so that no network is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.errors import UsageError

TOKENIZERS = ("cl100k_base", "o200k_base", "llama3", "qwen3")


def token_counter(name: str) -> Callable[[list[str]], Sequence[int]]:
    """A function from texts to their numbers of tokens; special tokens in a text count as ordinary text.

    Raises `UsageError` for a tokenizer that is not among `TOKENIZERS`.
    """
    if name not in TOKENIZERS:
        raise UsageError(
            f"tokenizer {name!r} has no offline vocabulary; choose one of {', '.join(TOKENIZERS)}, "
            'or map an existing count in corpus.toml: [columns] n_tokens = "..."'
        )
    import quicktok

    encoding = quicktok.get_encoding(name)

    def count(texts: list[str]) -> list[int]:
        return [int(n) for n in quicktok.count_batch(encoding, texts, threads=1)]

    return count
