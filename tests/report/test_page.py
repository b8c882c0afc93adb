# Copyright (c) 2026, podman_fleet.memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.html in a real browser: it works, it is readable, and nothing that a host says acts in it."""

from __future__ import annotations

import base64

import hostile
import pytest

ENTER, RIGHT = "\ue007", "\ue014"
ROWS = "#panel-%s tbody tr.row"
# WCAG 2.1, 1.4.3: contrast of each text that is seen with the first opaque background behind it.
CONTRAST = """
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
  .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const colour = parts(getComputedStyle(node).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.textContent.trim() || !node.checkVisibility() || /^(SCRIPT|NOSCRIPT|STYLE|OPTION)$/.test(node.tagName)) continue;
  const [one, other] = [light(parts(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
  const ratio = (one + .05) / (other + .05);
  if (ratio < 4.5) found.push([ratio.toFixed(2), node.className, walk.currentNode.textContent.trim().slice(0, 30)]);
}
return found;
"""


@pytest.fixture
def page(browser, report):
    """The page, open on a wide light screen."""
    browser.open(report / "report.html")
    return browser


def shown(page, table="findings"):
    """How many rows a table says that it has."""
    return int(page.texts("#panel-%s .found" % table)[0].split(" of ")[0].replace(",", ""))


def everything(page):
    """Open all three tables and several rows of each."""
    for table in ("findings", "containers", "hosts"):
        page.click("#tab-" + table)
        page.wait("document.querySelector('%s')" % (ROWS % table))
        for at in range(min(8, len(page.texts(ROWS % table)))):
            page.js("document.querySelectorAll(arguments[0])[arguments[1]].click()", ROWS % table + " .open", at)
        page.wait("!document.querySelector('#panel-%s .detail td:empty')" % table)
    return page


def test_nothing_acts_and_nothing_goes_out(page, report):
    everything(page)
    for table in ("findings", "containers", "hosts"):
        page.click("#tab-" + table)
        for name in ("script", "\\u202e", "xxxxx"):
            page.js("const box = document.querySelector(arguments[0]); box.value = arguments[1]; box.dispatchEvent(new Event('input'))",
                    "#panel-%s input" % table, name)
    assert page.console() == []
    assert page.requests() == ["file://%s" % (report / "report.html")]
    assert page.js("return window.hacked") is None
    assert page.js("return document.querySelectorAll('img, iframe, object, embed, form, base, [onload], [onerror], [onmouseover], [style]').length") == 0
    assert page.js("return document.querySelectorAll('script:not([data-set])').length") == 1
    # links lead to nowhere else
    assert set(page.js("return [...document.querySelectorAll('a')].map((each) => each.getAttribute('href'))")) == {"#explorer"}


def test_the_policy_of_the_page_holds(page):
    """What would run if anything of it became markup does not."""
    page.js("const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s);"
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')")
    assert page.js("return window.hacked") is None
    assert [each for each in page.console() if "Content Security Policy" in each]
    assert not [each for each in page.requests() if not each.startswith("file:")]


@pytest.mark.parametrize("table", ["findings", "containers", "hosts"])
def test_names_are_seen_as_they_are_and_harmless(page, table):
    page.click("#tab-" + table)
    page.wait("document.querySelector('%s')" % (ROWS % table))
    text = "\n".join(page.texts("main"))
    assert not set(text) & set("\u202e\u2066\x1b\x00\x07")
    for said in ("<script>window.hacked=1</script>", "\\u202egnp.exe\\u2066", "=cmd|'/c calc'!A0", "\\ud800lone surrogate", "]]>"):
        assert said in text, said


@pytest.mark.parametrize("width", [375, 768, 1400])
def test_it_fits_the_screen(browser, report, width):
    browser.open(report / "report.html", width=width)
    everything(browser)
    assert browser.js("return document.documentElement.scrollWidth") <= width
    assert browser.js("return [...document.querySelectorAll('td, li, dd, h1')].filter((e) => e.scrollWidth > e.clientWidth + 1 "
                      "&& e.clientWidth && getComputedStyle(e).display !== 'inline').map((e) => e.textContent.slice(0, 40))") == []


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(browser, report, dark):
    browser.open(report / "report.html", dark=dark)
    everything(browser)
    for table in ("findings", "containers", "hosts"):
        browser.click("#tab-" + table)
        assert browser.js(CONTRAST) == []


def test_the_summary_comes_first(page):
    told = page.texts("h1")[0]
    assert "OOM kill" in told and "near their limit" in told and "not checked" in told
    assert page.texts("h2") == ["OOM kills", "Unprotected", "Near their limit", "Not checked"]
    assert page.js("return document.querySelectorAll('.cards .spark').length") == 5


def test_filters(page):
    current = shown(page)
    page.js("const one = document.querySelector('select[aria-label=State]'); one.value = ''; one.dispatchEvent(new Event('change'))")
    every = shown(page)
    assert every > current > 0
    states = {}
    for state in ("new", "open", "waived", "resolved"):
        page.js("const one = document.querySelector('select[aria-label=State]'); one.value = arguments[0]; one.dispatchEvent(new Event('change'))", state)
        states[state] = shown(page)
        assert set(page.texts(ROWS % "findings" + " td:nth-child(3)")) == {state}
    assert sum(states.values()) == every and all(states.values())
    assert states["new"] + states["open"] == current
    page.js("const one = document.querySelector('select[aria-label=State]'); one.value = ''; one.dispatchEvent(new Event('change'))")
    page.js("const one = document.querySelector('select[aria-label=Severity]'); one.value = 'high'; one.dispatchEvent(new Event('change'))")
    assert set(page.texts(ROWS % "findings" + " td:nth-child(2)")) == {"critical", "high"}
    page.keys("deb13 pid1-kill", "#panel-findings input")
    page.wait("document.querySelectorAll('%s').length <= 4" % (ROWS % "findings"))
    assert set(page.texts(ROWS % "findings" + " td:nth-child(4)")) == {"deb13"}
    page.keys(" nothinghasthis", "#panel-findings input")
    page.wait("document.querySelector('#panel-findings .empty')")
    assert shown(page) == 0 and page.texts("#panel-findings .empty") == ["Nothing matches."]


def test_sorting(page):
    page.click("#tab-containers")
    page.wait("document.querySelector('%s')" % (ROWS % "containers"))
    page.keys("deb13", "#panel-containers input")
    page.wait("document.querySelectorAll('%s').length < 30" % (ROWS % "containers"))
    page.click("#panel-containers th button", 0)
    names = page.texts(ROWS % "containers" + " td:nth-child(1)")
    assert names == sorted(names) and len(set(names)) > 5
    assert page.js("return document.querySelector('#panel-containers th').getAttribute('aria-sort')") == "ascending"
    page.click("#panel-containers th button", 0)
    assert page.js("return document.querySelector('#panel-containers th').getAttribute('aria-sort')") == "descending"
    names = page.texts(ROWS % "containers" + " td:nth-child(1)")
    assert names == sorted(names, reverse=True)


def test_worst_first(page):
    order = page.texts(ROWS % "findings" + " td:nth-child(2)")
    assert order == sorted(order, key=["critical", "high", "medium", "low", "info"].index)


def test_evidence_folds_out_and_in(page):
    page.keys("deb13 pid1-kill oom-killed", "#panel-findings input")
    page.wait("document.querySelectorAll('%s').length <= 2" % (ROWS % "findings"))
    page.click(ROWS % "findings" + " .open")
    page.wait("document.querySelector('.detail dl')")
    text = page.texts(".detail")[0]
    assert "podman update --memory=" in text and "CONSTRAINT_MEMCG" in text and "20 MiB (20,971,520)" in text
    page.click(ROWS % "findings" + " .open")
    page.wait("!document.querySelector('.detail')")


def test_history_is_drawn(page):
    page.click("#tab-containers")
    page.wait("document.querySelector('%s .spark polyline')" % (ROWS % "containers"))
    page.keys("hostile", "#panel-containers input")
    page.wait("document.querySelector('#panel-containers .found').textContent.startsWith('%d ')" % len(hostile.NAMES))
    page.click("#panel-containers .open")
    page.wait("document.querySelector('.detail .history polyline')")
    assert "Working set, daily maximum since 2026-11-01" in page.texts(".detail")[0]


def test_with_the_keyboard_alone(page):
    page.keys("/", "body")
    assert page.js("return document.activeElement.type") == "search"
    page.keys("deb13")
    page.wait("document.querySelectorAll('%s').length < 60" % (ROWS % "findings"))
    page.js("document.querySelector('#tab-findings').focus()")
    page.keys(RIGHT)
    page.wait("document.querySelector('%s')" % (ROWS % "containers"))
    assert page.js("return document.activeElement.id") == "tab-containers"
    page.keys(ENTER, "#panel-containers th button")
    assert page.js("return document.querySelector('#panel-containers th').getAttribute('aria-sort')") == "ascending"
    page.keys(ENTER, ROWS % "containers" + " .open")
    page.wait("document.querySelector('#panel-containers .detail dl')")
    # the focus can be seen
    page.js("document.querySelector('#panel-containers .open').focus({focusVisible: true})")
    assert page.js("return getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_cards_lead_to_their_findings(page):
    page.click(".card", 1)
    page.wait("document.querySelector('select[aria-label=Rule]').value === 'near-limit'")
    assert set(page.texts(ROWS % "findings" + " td:nth-child(1)")) == {"Near its limit"}
    page.click(".card", 4)
    page.wait("document.querySelector('select[aria-label=Rule]').value === ''")


def test_it_prints(page):
    pdf = base64.b64decode(page.cdp("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 20000
    page.cdp("Emulation.setEmulatedMedia", media="print")
    assert page.js("return getComputedStyle(document.querySelector('.controls')).display") == "none"
    assert page.js("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.cdp("Emulation.setEmulatedMedia", media="")


def test_without_scripts_the_summary_is_there(browser, report):
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.look(1400, 900)
        browser.cdp("Page.navigate", url="file://%s" % (report / "report.html"))
        text = "\n".join(browser.texts("main"))
        assert "OOM kills" in text and "The tables below need JavaScript" in text
        assert browser.js("return window.hacked") is None
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
