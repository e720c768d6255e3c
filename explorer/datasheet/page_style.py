"""The style sheet of `datasheet.html`: light and dark, wide and narrow, screen and paper."""

from __future__ import annotations

from functools import cache

from explorer.datasheet.svg import Palette, palette

_DARK_MUTED = "#a3aeb8"
_LIGHT_MUTED = "#5a6570"
_BASE = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:52rem;padding:1.5rem 1.25rem 4rem;background:var(--back);color:var(--text);\
font:15px/1.5 'Source Sans Pro','Source Sans 3',system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.8rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.35rem;margin:2.2rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--border)}
h3{font-size:1.08rem;margin:1.8rem 0 .2rem}
p{margin:.3rem 0}
a{color:var(--link)}
nav{display:flex;flex-wrap:wrap;gap:.2rem .9rem;margin:1rem 0 0}
nav a{padding:.15rem 0}
ul{padding-left:1.2rem;margin:.3rem 0}
li{margin:.3rem 0}
code{font:.86em ui-monospace,monospace}
.m,.source{color:var(--muted)}
.source{font-size:.82rem;margin:.5rem 0 0}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.6rem 1rem;margin:.5rem 0}
dt{color:var(--muted);font-size:.85rem}
dd{margin:0;font-size:1.15rem;font-weight:600}
summary{cursor:pointer;color:var(--muted)}
figure{margin:.7rem 0}
figure svg{display:block;width:100%;height:auto}
.narrow{display:none}
.scroll{overflow-x:auto;margin:.6rem 0 0;border:1px solid var(--border);border-radius:.4rem}
table{border-collapse:collapse;width:100%;font-size:.86rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{text-align:left;vertical-align:top;padding:.28rem .6rem;border-bottom:1px solid var(--border)}
th{background:var(--panel);font-weight:600;vertical-align:bottom}
td{max-width:20rem;overflow-wrap:break-word}
.d{white-space:nowrap}
td.x{min-width:14rem}
td:first-child:not(.n){min-width:7rem}
.n{text-align:right;white-space:nowrap}
th.n{white-space:normal}
tr:last-child td{border-bottom:0}
@media (max-width:34rem){body{padding:1rem .75rem 3rem}.wide{display:none}.narrow{display:block}\
td{max-width:10rem}}
"""
_PRINT = """
@media print{body{max-width:none;padding:0;font-size:10pt}nav{display:none}.wide{display:block}.narrow{display:none}\
.scroll{overflow:visible;border:0}table{font-size:6.8pt;overflow-wrap:anywhere}th,td{padding:1.5pt 2.5pt}\
td,td.x,td:first-child:not(.n){max-width:none;min-width:0;overflow-wrap:anywhere}.n,.d{white-space:normal}\
figure,tr{break-inside:avoid}h2,h3{break-after:avoid}*{print-color-adjust:exact}\
::details-content{content-visibility:visible;display:block}}
"""


@cache
def style_sheet() -> str:
    """All of it. On paper the page is light, whatever the theme."""
    light, dark = palette("light"), palette("dark")
    return "".join((
        f":root{{color-scheme:light dark;{_variables(light, _LIGHT_MUTED)}}}",
        _BASE,
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(dark, _DARK_MUTED)}}}{_drawings(dark)}}}",
        _PRINT,
    ))  # fmt: skip


def _variables(colours: Palette, muted: str) -> str:
    named = {
        "back": colours.background, "panel": colours.panel, "text": colours.text, "border": colours.border,
        "link": colours.link, "muted": muted,
    }  # fmt: skip
    return ";".join(f"--{name}:{colour}" for name, colour in named.items())


def _drawings(dark: Palette) -> str:
    """What the classes of the drawings are in the dark; in the light their attributes hold."""
    rules = [
        "svg .bg{fill:var(--back)}svg .t{fill:var(--text)}svg .m{fill:var(--muted)}svg .p{fill:var(--panel)}",
        "svg .g{stroke:var(--border)}svg .l{stroke:var(--text)}",
    ]
    for number, colour in enumerate(dark.series):
        rules.append(f"svg .s{number}{{fill:{colour}}}svg .ls{number}{{stroke:{colour}}}")
    for family, ink, scale in (("q", "k", dark.sequential), ("d", "e", dark.diverging)):
        for number, colour in enumerate(scale):
            is_bright = number >= 7 if family == "q" else number in (0, 1, 7, 8, 9)
            text = dark.background if is_bright else dark.text
            rules.append(f"svg .{family}{number}{{fill:{colour}}}svg .{ink}{number}{{fill:{text}}}")
    return "".join(rules)
