"""Write a report as one page: no script, no link, no outside request, and a content policy that forbids them all."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

from core.usage.records import Language
from core.usage.reporting.cells import figure_words, number, row_words
from core.usage.reporting.records import FIGURES, Report
from core.usage.reporting.svg import bar, chart
from core.usage.reporting.wording import BOARDS, CARDS, NAMES, WEEKDAYS, day_words, say
from core.usage.sheets.records import Drawing, Sheet, Table

STYLE = """
body { font: 15px/1.5 Inter, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", system-ui, sans-serif; color: #1b1d20; background: #fff;
  max-width: 60rem; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; } .sub { color: #5a6068; margin: 0 0 .25rem; font-size: .875rem; }
.figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0; padding: 0; list-style: none; }
.figures li { border: 1px solid #d9dce1; border-radius: .5rem; padding: .625rem .875rem; min-width: 8.5rem; }
.figures span { display: block; font-size: .8125rem; color: #5a6068; } .figures b { display: block; font-size: 1.375rem; font-weight: 600; }
.wide { overflow-x: auto; } svg, img { max-width: 100%; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; font-size: .8125rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3125rem .5rem; border-bottom: 1px solid #eceef1; } th { font-weight: 500; color: #5a6068; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; } td.bar { width: 10.5rem; padding-right: 0; }
.heat td { text-align: center; padding: .3125rem 0; border: 1px solid #fff; } .heat th { text-align: center; padding: .125rem 0; }
.h0 { background: #f1f4fc; } .h1 { background: #dde5fa; } .h2 { background: #c3d1f6; } .h3 { background: #9cb3ef; }
.h4 { background: #8aa4ea; } .h5 { background: #2f5bd7; color: #fff; }
.none { background: repeating-linear-gradient(45deg, #fff, #fff 4px, #e3e5e9 4px, #e3e5e9 5px); }
footer { margin: 3rem 0 0; padding-top: .75rem; border-top: 1px solid #d9dce1; color: #5a6068; font-size: .8125rem; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 12px; } section { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
POLICY = f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; base-uri 'none'"

_SVG = re.compile("<svg.*?</svg>", re.DOTALL)
_LABEL = re.compile('aria-label="([^"]*)"')


def page(report: Report, language: Language) -> str:
    """Return the report as HTML."""
    title = escape(report.name)
    lang = "zh-CN" if language is Language.ZH else "en"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>{_body(report, language)}</body></html>\n"
    )


def shown(report: Report, language: Language) -> str:
    """Return the report as part of a portal page, where drawings may only be images."""
    style = STYLE.replace("body {", "& {", 1).replace("body {", "& {")
    body = _SVG.sub(lambda found: _image(found.group()), _body(report, language))
    return f"<style>.paper {{ {style} }}</style><div class='paper'>{body}</div>"


def _image(svg: str) -> str:
    words = _LABEL.search(svg)
    return f"<img alt=\"{words.group(1) if words else ''}\" src='data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}'>"


def _body(report: Report, language: Language) -> str:
    head = "".join(f"<p class='sub'>{escape(line)}</p>" for line in head_lines(report, language))
    sheets = "".join(_sheet(report, sheet, cards, language) for sheet, cards in report.sheets)
    foot = escape(say(language, "A dash means that nothing was measured."))
    return f"<h1>{escape(report.name)}</h1>{head}{sheets}{_changes(report, language)}<footer>{foot}</footer>"


def head_lines(report: Report, language: Language) -> list[str]:
    """Return the lines below the title: the days, what was chosen, and when it was made."""
    query = report.query
    group = say(language, "All groups") if query.group is None else query.group or say(language, "No group")
    model = say(language, "All models") if query.model is None else query.model
    period = say(language, "{first} to {last}", first=day_words(language, query.first), last=day_words(language, query.last))
    made = f"{report.made_at:%Y-%m-%d %H:%M} UTC"
    return [f"{period} · {group} · {model}", say(language, "Days of {zone}. Made on {time}.", zone=report.zone, time=made)]


def _sheet(report: Report, sheet: Sheet, cards: Sequence[str], language: Language) -> str:
    parts = [f"<h2>{escape(say(language, BOARDS[sheet.board]))}</h2>"]
    if FIGURES in cards:
        parts.append(f"<ul class='figures'>{''.join(_figures(sheet, language))}</ul>")
    for table in sheet.tables:
        if table.name in cards:
            title = escape(say(language, CARDS[table.name]))
            parts.append(f"<section><h3>{title}</h3>{_table(report, table, language)}</section>")
    return "".join(parts)


def _figures(sheet: Sheet, language: Language) -> list[str]:
    found = []
    for each in sheet.figures:
        now, before = figure_words(each)
        past = escape(say(language, "before: {value}", value=before)) if before else ""
        found.append(f"<li><span>{escape(say(language, NAMES[each.name]))}</span><b>{escape(now)}</b><span>{past}</span></li>")
    return found


def _table(report: Report, table: Table, language: Language) -> str:
    nothing = f"<p class='sub'>{escape(say(language, 'Nothing was counted in this period.'))}</p>"
    if not table.rows:
        return nothing
    if table.drawing in (Drawing.BARS, Drawing.LINES):
        return chart(table, language, report.marks) or nothing
    if table.drawing is Drawing.HEAT:
        return _heat(table, language)
    bars = [column.name for column in table.columns].index(table.drawn[0]) if table.drawing is Drawing.ROWS else None
    lengths = [number(row[bars]) or 0.0 for row in table.rows] if bars is not None else []
    top = max(lengths, default=0.0)
    heads = "".join(f"<th>{escape(say(language, NAMES[column.name]))}</th>" for column in table.columns)
    rows = ""
    for index, row in enumerate(table.rows):
        cells = row_words(language, table, row)
        drawn = f"<td class='bar'>{bar(lengths[index] / top) if top else ''}</td>" if bars is not None else ""
        rows += "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + drawn + "</tr>"
    blank = "<th></th>" if bars is not None else ""
    return f"<div class='wide'><table><thead><tr>{heads}{blank}</tr></thead><tbody>{rows}</tbody></table></div>"


def _heat(table: Table, language: Language) -> str:
    busy = {(row[0], row[1]): row[2] for row in table.rows}
    heads = "".join(f"<th>{hour}</th>" for hour in range(24))
    rows = ""
    for weekday, name in enumerate(WEEKDAYS, start=1):
        cells = ""
        for hour in range(24):
            value = busy.get((weekday, hour))
            if isinstance(value, (int, float)):
                cells += f"<td class='h{min(5, int(value * 6))}'>{value * 100:.0f}</td>"
            else:
                cells += f"<td class='none' aria-label='{escape(say(language, 'not measured'))}'></td>"
        rows += f"<tr><th>{escape(say(language, name))}</th>{cells}</tr>"
    return f"<div class='wide'><table class='heat'><thead><tr><th>%</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"


def _changes(report: Report, language: Language) -> str:
    if not report.marks:
        return ""
    lines = "".join(f"<li>{escape(line)}</li>" for line in change_lines(report, language))
    return f"<section><h3>{escape(say(language, 'Numbered lines mark changes:'))}</h3><ol>{lines}</ol></section>"


def change_lines(report: Report, language: Language) -> list[str]:
    """Return the changes of each marked day, in the order of their numbers."""
    by_day: dict[str, list[str]] = {}
    for each in sorted(report.marks, key=lambda mark: mark.day):
        by_day.setdefault(day_words(language, each.day), []).append(say(language, each.sentence, **each.fields))
    return [f"{day}: {'; '.join(dict.fromkeys(changes))}" for day, changes in by_day.items()]
