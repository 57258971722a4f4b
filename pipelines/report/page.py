"""The page: one HTML file that needs nothing else, in light and dark, on a phone too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pipelines.report import svg

_STYLE = """
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 4px}h2{font-size:1.15rem;margin:36px 0 12px}
h2+.note{margin:-8px 0 12px}a{color:var(--main)}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:14px;font-size:.9rem}
.todo{list-style:none;margin:0}.todo li{padding:5px 0}.todo a{font-weight:600}
dl{display:grid;grid-template-columns:minmax(120px,220px) 1fr;gap:8px 16px;margin:0;font-size:.9rem}
dt{font-weight:600}dd{margin:0}
h3{font-size:1rem;margin:0 0 4px}p{margin:0 0 8px}.muted,.note{color:var(--muted)}
.note{font-size:.875rem;margin:8px 0 0;line-height:1.45}
.cards{display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr))}
.tiles{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(220px,1fr))}
.card,.tile{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:16px}
.card{min-width:0}.wide{grid-column:1/-1}
.tile b{display:block;font-size:1.5rem;line-height:1.3;font-weight:650;white-space:nowrap}
.tile span{font-size:.875rem}.tile small{display:block;color:var(--muted);font-size:.8rem}
.chart{display:block;width:100%;height:auto;margin-top:8px}
.state{display:inline-block;border-radius:99px;padding:2px 12px;font-weight:600;font-size:.9rem;
border:1.5px solid currentColor;margin:6px 0}.good{color:var(--second)}.poor{color:var(--bad)}
.scroll{overflow-x:auto;
background:linear-gradient(90deg,var(--paper),var(--paper)) 0/20px 100% local,
linear-gradient(90deg,var(--paper),var(--paper)) 100%/20px 100% local,
linear-gradient(90deg,var(--line),transparent) 0/9px 100%,
linear-gradient(270deg,var(--line),transparent) 100%/9px 100%;background-repeat:no-repeat}
table{border-collapse:collapse;width:100%;font-size:.875rem}
th,td{padding:6px 7px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{font-weight:600;color:var(--muted)}th:first-child,td:first-child{text-align:left;padding-left:0}
td.text,th.text{text-align:left}th:last-child,td:last-child{padding-right:2px}
tr:last-child td{border-bottom:0}.rows .scroll{max-height:420px;overflow-y:auto}
@media(max-width:480px){main{padding:16px 10px 32px}.card{padding:12px}
.tiles{grid-template-columns:1fr 1fr}.tile{padding:12px}.tile b{font-size:1.3rem}
dl{display:block}dd{margin:0 0 8px}}
@media print{body{background:none}.card,.tile{break-inside:avoid}}
"""


def document(title: str, parts: Iterable[str]) -> str:
    """Return the whole page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        # A page that may load nothing cannot leak what it shows.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none';style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{svg.colour_rules(':root')}{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def paragraph(text: str, style: str = "") -> str:
    """Return a paragraph of plain text."""
    return f'<p class="{style}">{escape(text)}</p>' if style else f"<p>{escape(text)}</p>"


def section(anchor: str, heading: str, cards: Sequence[str], note: str = "") -> str:
    """Return a heading with its cards below, to which the contents lead."""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<section id="{escape(anchor)}"><h2>{escape(heading)}</h2>{below}'
        f'<div class="cards">{"".join(cards)}</div></section>'
    )


def card(
    heading: str, content: str, note: str = "", *, wide: bool = False, anchor: str = ""
) -> str:
    """Return a chart or table with its heading, and what to know to read it."""
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    name = f' id="{escape(anchor)}"' if anchor else ""
    style = "card wide" if wide else "card"
    style += " rows" if anchor else ""
    return f'<div class="{style}"{name}><h3>{escape(heading)}</h3>{content}{below}</div>'


def contents(sections: Iterable[tuple[str, str]]) -> str:
    """Return the table of contents: (anchor, heading)."""
    links = (f'<a href="#{escape(anchor)}">{escape(name)}</a>' for anchor, name in sections)
    return f'<nav aria-label="Contents">{"".join(links)}</nav>'


def actions(entries: Iterable[tuple[str, str, str]]) -> str:
    """Return what to do: (what was found, what helps, the anchor of its rows)."""
    shown = (
        f'<li><a href="#{escape(anchor)}">{escape(found)}</a>. {escape(todo)}</li>'
        for found, todo, anchor in entries
    )
    return f'<ul class="card wide todo">{"".join(shown)}</ul>'


def definitions(entries: Iterable[tuple[str, str]]) -> str:
    """Return words with their meanings."""
    shown = (f"<dt>{escape(word)}</dt><dd>{escape(text)}</dd>" for word, text in entries)
    return f"<dl>{''.join(shown)}</dl>"


def tiles(figures: Iterable[tuple[str, str, Sequence[str]]]) -> str:
    """Return the key figures: (name, value, what to know of it, line by line)."""
    shown = (
        f'<div class="tile"><span>{escape(name)}</span><b>{escape(value)}</b>'
        f"{''.join(f'<small>{escape(line)}</small>' for line in lines)}</div>"
        for name, value, lines in figures
    )
    return f'<div class="tiles">{"".join(shown)}</div>'


def table(
    names: Sequence[str], rows: Iterable[Sequence[str]], texts: frozenset[int] = frozenset()
) -> str:
    """Return a table; ``texts`` are the columns that read from the left."""

    def cells(kind: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{kind}{' class=text' if i in texts else ''}>{escape(value)}</{kind}>"
            for i, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', names)}</tr></thead>"
    return f'<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'
