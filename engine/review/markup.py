"""Parts of self-contained HTML pages: no other file, no script, nothing from elsewhere; light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from engine.errors import UserError
from engine.review.pictures import RGB, data_uri

STYLE = """
:root{color-scheme:light dark;--ink:#1d2129;--dim:#667080;--line:#d9dde4;--card:#f6f7f9;--accent:#2f6fed}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--dim:#98a2b3;--line:#343a45;--card:#1d2129;--accent:#7aa7ff}
body{background:#14171c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:1180px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem;margin:0 0 .2rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem}p{margin:.3rem 0}.dim{color:var(--dim)}
table{border-collapse:collapse}td,th{padding:.3rem .9rem .3rem 0;text-align:left;border-bottom:1px solid var(--line)}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.group{display:flex;gap:1rem;flex-wrap:wrap;border:1px solid var(--line);background:var(--card);border-radius:8px;
padding:.8rem;margin:.7rem 0}.group .words{flex:1 1 260px}figure{margin:0}figcaption{font-size:13px;color:var(--dim)}
figure img{display:block;border-radius:5px}.wide img{width:100%;height:auto}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(440px,1fr));gap:1rem}
.tag{display:inline-block;border-radius:4px;padding:0 .45rem;color:#fff;background:#2f6fed;font-size:13px}
"""


def page_start(title: str, style: str = "") -> str:
    """The page up to and with its heading; `style` goes behind the common one."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f'<meta name=viewport content="width=device-width"><style>{STYLE}{style}</style><h1>{escape(title)}</h1>'
    )


PAGE_END = "</html>\n"


def picture(pixels: RGB, caption: str, css: str = "") -> str:
    """A figure whose picture (H x W x 3 uint8) lies inside the page."""
    text = escape(caption, quote=True)
    return f'<figure class="{css}"><img alt="{text}" src="{data_uri(pixels)}"><figcaption>{text}</figcaption></figure>'


def facts_table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as they stand (escaped already)."""
    return "<table>" + "".join(f"<tr><td class=dim>{name}<td>{value}" for name, value in rows) + "</table>"


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def write_page(text: str, out: Path) -> None:
    """Write a page.

    Raises:
        UserError: when `out` cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"The report cannot be written: {error.strerror}.", path=out) from error
