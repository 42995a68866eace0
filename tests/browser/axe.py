"""Run axe-core on what a page shows. Its file comes with axe-playwright-python, a package of the tests alone."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from playwright.sync_api import Page

RUN = """rules => axe.run(document, {
  resultTypes: ['violations'], iframes: false,
  ...(rules.length ? {runOnly: {type: 'rule', values: rules}} : {}),
}).then(({violations}) => violations.filter(each => ['serious', 'critical'].includes(each.impact)).flatMap(each => each.nodes.map(node =>
  `${each.id} (${each.impact}): ${node.target.flat().join(' ')} ${node.html.slice(0, 200)}`)))"""
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose outcome depends on the theme."""


def findings(page: Page, rules: tuple[str, ...] = ()) -> list[str]:
    """Return the serious and critical findings of axe-core's rules; of all of them if none are named."""
    # Scripts of the tests come from the debugger, which the content security policy does not bind.
    if not page.evaluate("'axe' in window"):
        page.evaluate(_script())
    return [str(each) for each in page.evaluate(RUN, list(rules))]


@cache
def _script() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
