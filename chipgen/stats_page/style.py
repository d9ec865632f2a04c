"""How a page looks: on paper, by day and by night, and to people who see fewer colours.

Colours of levels are those of Okabe and Ito, which differ for all eyes; what is lost has one of its own, and words.
"""

from __future__ import annotations

DAY = """
--paper: #ffffff; --ink: #1c2128; --soft: #57606a; --rule: #d5dbe1; --card: #f5f7f9; --counts: #64748b;
--good: #d9f2e6; --learnt: #0072b2; --lost: #c2410c; --lostcard: #fff1e8; --hole: #ffd9c2; --quiet: #a3adb8;
--l0: #0072b2; --l1: #e69f00; --l2: #009e73; --l3: #cc79a7; --l4: #56b4e9; --l5: #8a6d3b;
"""

NIGHT = """
--paper: #14181d; --ink: #e6e9ed; --soft: #a5afba; --rule: #363e48; --card: #1e242b; --counts: #8b9bb0;
--good: #17382c; --learnt: #4ba3e3; --lost: #ff8a4c; --lostcard: #3a2114; --hole: #5a2d16; --quiet: #6f7a86;
--l0: #4ba3e3; --l1: #f0b429; --l2: #2cc295; --l3: #e29bc4; --l4: #8fd3ff; --l5: #c6a15b;
"""

LEVEL_COLOURS = 6
"""Further levels begin again; each is named beside its colour."""

LEVELS = "\n".join(
    f".l{n} .full, .l{n}.counts rect, .part.l{n} {{ fill: var(--l{n}) }} .l{n} .pale {{ fill: var(--l{n}) }} "
    f".l{n} .end {{ stroke: var(--l{n}) }} .part.l{n}.outlined {{ stroke: var(--l{n}) }}"
    for n in range(LEVEL_COLOURS)
)

RULES = """
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 66rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 0 0 .25rem }
p { margin: .25rem 0 .75rem; max-width: 50rem }
.soft, figcaption, footer { color: var(--soft) }
.told { overflow-wrap: anywhere }
section { margin-top: 2.5rem }
figure { margin: .75rem 0 0; overflow-x: auto }
.chart { display: block; width: 100%; min-width: 40rem; height: auto }
.chart text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink);
  unicode-bidi: isolate }
.chart .over { stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; paint-order: stroke }
.chart .tick { fill: var(--soft); font-size: 11px } .chart .name { fill: var(--soft) }
.chart .strong { font-weight: 600 }
.grid { stroke: var(--rule); stroke-width: 1 } .axis { stroke: var(--soft); stroke-width: 1 }
.counts rect { fill: var(--counts) }
.pale { opacity: .35 } .end { stroke-width: 1; stroke-dasharray: 5 3 }
.mark { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 3 }
.hole { fill: var(--hole) } .chart .good { fill: var(--good) }
.part.good { fill: var(--learnt) } .part.lost { fill: var(--lost) } .part.quiet { fill: var(--quiet) }
.part.plain { fill: var(--counts) } .part.outlined { fill-opacity: .25; stroke-width: 1.5 }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0 }
.tile { background: var(--card); border-radius: .5rem; padding: .75rem 1rem }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums }
.tile span { color: var(--soft); font-size: .85rem }
.tile.bad, .alarm { background: var(--lostcard) } .tile.bad b, .alarm b, td.bad { color: var(--lost) }
.alarm { border-left: .35rem solid var(--lost); border-radius: .25rem; padding: .75rem 1rem; margin: 1.5rem 0 0 }
.alarm ul, .notes { margin: .25rem 0 0; padding-left: 1.25rem }
.command { display: block; background: var(--card); border: 1px solid var(--rule); border-radius: .5rem;
  padding: .75rem 1rem; margin: .5rem 0; font: .875rem/1.5 ui-monospace, Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; user-select: all }
.scroll { overflow-x: auto; margin-top: .75rem }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); vertical-align: top;
  white-space: nowrap }
th:first-child, td:first-child { padding-left: 0 }
.text { text-align: left }
td.text { max-width: 28rem; white-space: normal; overflow-wrap: break-word }
th { color: var(--soft); font-weight: 600 }
td.bad { font-weight: 600 }
summary { cursor: pointer; color: var(--soft); font-size: .875rem; margin-top: .5rem }
footer { margin-top: 3rem; border-top: 1px solid var(--rule); padding-top: 1rem; font-size: .875rem }
"""

PRINT = """
body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact }
section { margin-top: 1.25rem } h2, h2 + p { break-after: avoid } figure, .alarm, .tiles, tr { break-inside: avoid }
figure, .scroll { overflow: visible } .chart { min-width: 0 }
details::details-content { content-visibility: visible; block-size: auto }
"""

CSS = (
    f":root {{ color-scheme: light dark; {DAY} }}\n"
    f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {NIGHT} }} }}\n"
    f"{RULES}{LEVELS}\n@media print {{ {PRINT} }}\n"
)


def level_style(level: int) -> str:
    """Return the name of the colour of a level."""
    return f"l{level % LEVEL_COLOURS}"
