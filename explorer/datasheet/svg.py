"""A small writer of SVG, the palette of the dashboard, and PNG from SVG without a browser.

Every text passes through `clean`; coordinates have two decimals; nothing depends on clock, machine or network.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from xml.sax.saxutils import escape

import resvg_py

from explorer.errors import ExplorerError
from explorer.escape import printable
from explorer.statistic import site_root

FONT = "Source Sans Pro"  # of the dashboard; its files come with the package font-source-sans-pro
FAMILIES = f"'{FONT}', 'Source Sans 3', 'Helvetica Neue', Arial, sans-serif"
PNG_SCALE = 2.0  # readable where a card is shown on a screen with small pixels
# What the font's files have glyphs for; other letters need the fonts of the machine.
_COVERED = ((0x20, 0x7E), (0xA0, 0x17E), (0x391, 0x3CE), (0x400, 0x45F), (0x1EA0, 0x1EF9))
_COVERED_SIGNS = frozenset("…–—‘’“”•·×→≤≥")
_THIN = frozenset("ijlI|.,:;'!")
_SLIM = frozenset('frt()[]{} -/\\"`')
_WIDE = frozenset("mwMW@%")


@dataclass(frozen=True)
class Palette:
    """The colours of one theme of the dashboard, as `#rrggbb`."""

    background: str
    panel: str  # a background that stands off a little
    text: str
    border: str
    link: str
    series: tuple[str, ...]
    sequential: tuple[str, ...]  # from nothing to everything
    diverging: tuple[str, ...]  # from -1 to 1


@cache
def palette(theme: str = "light") -> Palette:
    """The palette of the theme `light` or `dark`, read from the dashboard's own settings."""
    found = tomllib.loads((site_root() / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][theme]
    return Palette(
        found["backgroundColor"],
        found["secondaryBackgroundColor"],
        found["textColor"],
        found["borderColor"],
        found["linkColor"],
        tuple(found["chartCategoricalColors"]),
        tuple(found["chartSequentialColors"]),
        tuple(found["chartDivergingColors"]),
    )


def clean(text: str) -> str:
    """Text as XML and HTML may hold it, in content and in attributes: one line, no invisible character, no markup."""
    return escape(printable(text), {'"': "&quot;", "'": "&#39;"})


def decimals(number: float) -> str:
    """A coordinate: two decimals at most, no exponent, no negative zero."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def element(tag: str, attributes: Mapping[str, str | float], content: str = "") -> str:
    """One element. `content` is markup already; values of attributes are not."""
    shown = "".join(
        f' {name}="{clean(value) if isinstance(value, str) else decimals(value)}"' for name, value in attributes.items()
    )
    return f"<{tag}{shown}>{content}</{tag}>" if content else f"<{tag}{shown}/>"


def described(lines: Iterable[str]) -> str:
    """What a pointer that rests on a mark is told."""
    return f"<title>{chr(10).join(clean(line) for line in lines)}</title>"


def label(x: float, y: float, text: str, *, size: float = 12, role: str = "t", **attributes: str | float) -> str:
    """A text whose base line begins at (x, y). `role` is the class that gives its colour in `paint`."""
    given: dict[str, str | float] = {"class": role, "x": x, "y": y, "font-size": size, "fill": paint(role)}
    return element("text", given | {name.replace("_", "-"): value for name, value in attributes.items()}, clean(text))


@cache
def paint(role: str) -> str:
    """The colour, on white, of a class: text, muted text, grid, series and the steps of the colour scales."""
    light = palette()
    fixed = {"bg": "#ffffff", "t": light.text, "m": "#5a6570", "g": light.border, "p": light.panel, "w": "#ffffff"}
    if role in fixed:
        return fixed[role]
    scale = {"s": light.series, "q": light.sequential, "d": light.diverging}[role[0]]
    return scale[int(role[1:]) % len(scale)]


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in pixels. On the side of too wide: a reader's machine may have a wider font."""
    return size * sum(_advance(char) for char in text)


def _advance(char: str) -> float:
    if char in _THIN:
        return 0.28
    if char in _SLIM:
        return 0.35
    if char in _WIDE:
        return 0.9
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if unicodedata.combining(char):
        return 0.0
    return 0.68 if char.isupper() else 0.56


def cut(text: str, size: float, width: float) -> str:
    """Text that fits into `width` pixels, with an ellipsis where something is missing."""
    if text_width(text, size) <= width:
        return text
    room = width - text_width("…", size)
    kept = ""
    for char in text:
        room -= text_width(char, size)
        if room < 0:
            break
        kept += char
    return f"{kept.rstrip()}…"


def distinct(texts: Sequence[str], size: float, width: float) -> list[str]:
    """Each text cut to `width` pixels; where two would be equal then, their middles go instead of their ends."""
    shown = [cut(text, size, width) for text in texts]
    clashing = {one for one, n in Counter(shown).items() if n > 1}
    return [_cut_middle(t, size, width) if s in clashing else s for t, s in zip(texts, shown, strict=True)]


def _cut_middle(text: str, size: float, width: float) -> str:
    if text_width(text, size) <= width:
        return text
    n_kept = max(2, len(cut(text, size, width)) - 1)
    while n_kept > 2 and text_width(text[: n_kept // 2] + "…" + text[-(n_kept // 2) :], size) > width:
        n_kept -= 1
    return f"{text[: n_kept // 2].rstrip()}…{text[-(n_kept // 2) :].lstrip()}"


def wrap(text: str, size: float, width: float) -> list[str]:
    """Lines of at most `width` pixels, broken at spaces; a word that is longer is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(cut(word, size, width))
    return lines


def document(width: float, height: float, title: str, description: str, parts: Iterable[str]) -> str:
    """A whole SVG on white. It has no ids, so that many can stand in one page."""
    attributes: dict[str, str | float] = {
        "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {decimals(width)} {decimals(height)}",
        "width": width, "height": height, "role": "img", "font-family": FAMILIES,
    }  # fmt: skip
    body = [
        described([title]),
        f"<desc>{clean(description)}</desc>",
        element("rect", {"class": "bg", "width": width, "height": height, "fill": paint("bg")}),
        *parts,
    ]
    return element("svg", attributes, "\n" + "\n".join(body) + "\n") + "\n"


def to_png(svg: str) -> bytes:
    """The SVG as PNG, at twice its size.

    Drawn with the font's files only, and so the same on every machine, unless a letter needs a font that they do not
    replace: then the machine's fonts help, where it has any; otherwise such letters are empty boxes.
    Raises `ExplorerError` where the SVG cannot be drawn.
    """
    folder = files("font_source_sans_pro") / "files"
    fonts = [str(folder / f"SourceSansPro-{weight}.ttf") for weight in ("Regular", "Bold")]
    try:
        drawn = resvg_py.svg_to_bytes(
            svg_string=svg, zoom=PNG_SCALE, skip_system_fonts=is_covered(svg), font_files=fonts, font_family=FONT,
            sans_serif_family=FONT,
        )  # fmt: skip
    except ValueError as error:
        raise ExplorerError(f"a chart could not be drawn as PNG: {error}") from error
    return bytes(drawn)


def is_covered(text: str) -> bool:
    """Whether the font's files have a glyph for every character."""
    return all(
        any(first <= ord(char) <= last for first, last in _COVERED) or char in _COVERED_SIGNS
        for char in set(text) - {"\n"}
    )
