from __future__ import annotations

import html
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect, sync_playwright

from fanfold.report import ReportData, render
from tests.fanfold.report_data import FOREST, FOREST_GRID, TOKENS, WIDE_GRID, report_data

NARROW = 480  # pixels: the panel of the Kubeflow Pipelines UI
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)

SEARCHES: dict[str, Callable[[], ReportData]] = {
    "the seed's grid": report_data,
    "before the final training": lambda: report_data(tested=False, tokens=()),
    "values of several types, two folds, one_std_err": lambda: report_data(
        FOREST_GRID, estimator=FOREST, selection="one_std_err", folds=("north", "south")
    ),
    "candidates that failed, a fold without a score": lambda: report_data(
        failed={3: "more memory than 3.6 GiB", 15: "worker lost"}, undefined=[(6, "3")]
    ),
    "one candidate": lambda: report_data({"max_depth": [6], "subsample": [0.8]}),
    "the estimator's defaults": lambda: report_data({}),
    "one hyperparameter with many values": lambda: report_data(
        {"learning_rate": [round(0.001 * 1.12**n, 5) for n in range(60)]}
    ),
    "twenty folds by rsq": lambda: report_data(metric="rsq", folds=[f"{n}" for n in range(1, 21)]),
    "a baseline that wins": lambda: report_data(metric="mae", baseline=1.1),
    "a thousand candidates": lambda: report_data(WIDE_GRID, limit=1000),
}


LONG = (
    "one hyperparameter with many values",
    "twenty folds by rsq",
    "a baseline that wins",
    "a thousand candidates",
)
"""Those that only the slow tests draw."""


@cache
def page_of(search: str, still: bool = False) -> str:
    return render(SEARCHES[search](), still=still)


@dataclass
class Visit:
    """A page opened in a browser, and everything that it did meanwhile."""

    page: Page
    frame: Frame
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        return [text.strip() for text in self.frame.locator(selector).all_text_contents()]

    def value(self, expression: str) -> Any:
        return self.frame.evaluate(expression)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("CI opens the report in Chromium, and there is none on the PATH")
    if path is None:
        pytest.skip("no Chromium on the PATH to open the report in: apt install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield opened
        opened.close()


Visitor = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Visitor:
    @contextmanager
    def opened(
        text: str, width: int = 1440, scheme: str = "light", framed: bool = False
    ) -> Iterator[Visit]:
        address = tmp_path / "report.html"
        if framed:
            text = (
                '<!doctype html><body style="margin:0"><iframe sandbox="allow-scripts" height=600'
                f' width={width} style="border:0" srcdoc="{html.escape(text)}"></iframe>'
            )
        address.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        page = context.new_page()
        found = Visit(page, page.main_frame)
        page.on("console", lambda said: found.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: found.complaints.append(f"error: {error}"))
        page.on(
            "dialog", lambda box: (found.complaints.append(f"dialog: {box.message}"), box.dismiss())
        )
        page.on("request", lambda request: found.requests.append(request.url))
        page.goto(address.as_uri())
        found.frame = page.frames[-1]
        drawn = "html[data-drawn], .chart.still svg"
        found.frame.wait_for_selector(drawn, timeout=20_000)
        yield found
        assert found.complaints == []
        # A frame's srcdoc is no request; the page itself is the only one.
        assert [url for url in found.requests if not url.startswith(("about:", "data:"))] == [
            address.as_uri()
        ]
        context.close()

    return opened


@pytest.mark.parametrize(
    ("search", "framed"),
    [
        *((search, True) for search in SEARCHES if search not in LONG),
        *(pytest.param(search, True, marks=pytest.mark.slow) for search in LONG),
        pytest.param("the seed's grid", False, marks=pytest.mark.slow),
    ],
)
def test_every_chart_is_drawn_within_a_narrow_page_that_asks_for_nothing(
    search: str, framed: bool, visit: Visitor
) -> None:
    with visit(page_of(search), NARROW, framed=framed) as seen:
        charts = seen.frame.locator("[data-chart]").count()
        assert charts >= 1
        assert seen.value("Number(document.documentElement.dataset.drawn)") == charts
        empty = "[...document.querySelectorAll('[data-chart]')]" + (
            ".filter(e => !e.querySelector('svg .role-mark path, svg .role-mark text'))"
            ".map(e => e.dataset.chart)"
        )
        assert seen.value(empty) == []
        assert seen.value("document.documentElement.scrollWidth") <= NARROW


def test_the_page_and_its_charts_follow_the_width_of_the_window(visit: Visitor) -> None:
    with visit(page_of("candidates that failed, a fold without a score"), 1440) as seen:
        chart = seen.frame.locator("[data-chart=folds] svg")
        for width in (1920, 900, 360):
            before = str(chart.get_attribute("width"))
            seen.page.set_viewport_size({"width": width, "height": 800})
            expect(chart).not_to_have_attribute("width", before)
            assert float(chart.get_attribute("width") or 0) < width
            assert seen.value("document.documentElement.scrollWidth") <= width


def test_the_page_and_its_charts_change_with_the_colour_scheme(visit: Visitor) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    labels = "[data-chart=folds] .role-axis-label text"
    with visit(page_of("the seed's grid"), scheme="light") as seen:
        light = seen.value(ground), str(seen.frame.locator(labels).first.get_attribute("fill"))
    with visit(page_of("the seed's grid"), scheme="dark") as seen:
        assert seen.value(ground) != light[0]
        expect(seen.frame.locator(labels).first).not_to_have_attribute("fill", light[1])
        seen.page.emulate_media(color_scheme="light")
        assert seen.value(ground) == light[0]
        expect(seen.frame.locator(labels).first).to_have_attribute("fill", light[1])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_they_are_written_on(scheme: str) -> None:
    sheet = files("fanfold.report").joinpath("style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark if scheme == "dark" else light))
    colour = {name: luminance(value) for name, value in found.items()}
    for ground in ("surface", "paper", "stripe"):
        for words in ("ink", "muted", "winner", "candidate"):  # WCAG 2 AA: 4.5 for text
            assert contrast(colour[words], colour[ground]) >= 4.5
    assert contrast(colour["baseline"], colour["surface"]) >= 3  # and 3 for what is drawn


def luminance(colour: str) -> float:
    """Relative luminance of a #rrggbb colour, as WCAG 2 defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_text_of_the_users_stays_text_wherever_it_is_shown(visit: Visitor) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)></style><!--<script>"
    data = report_data(
        {"n_estimators": [100, 200]},
        folds=[hostile, "b"],
        failed={1: hostile},
        tokens=["<script>alert(1)</script>", *TOKENS],
    )
    data.summary["first_rejects"][0] |= {"reason": hostile, "text": hostile}
    data.summary["settings"]["data"] = hostile
    data = replace(data, target=hostile, text_column=hostile)
    with visit(render(data), NARROW, framed=True) as seen:
        assert seen.texts(".bars .token")[0] == "<script>alert(1)</script>"
        assert seen.texts("h1 b") == [hostile, hostile]
        assert seen.texts("td.raw").count(hostile) == 2  # an error and a rejected row
        assert hostile in seen.texts("details dd")
        assert seen.frame.locator("img").count() == 0
        assert seen.frame.locator("script").count() == 3  # data, library, the page's own


def test_pointing_at_a_mark_shows_its_candidate(visit: Visitor) -> None:
    with visit(page_of("the seed's grid")) as seen:
        seen.frame.locator("[data-chart=cost] .mark-symbol path").last.hover()
        seen.frame.wait_for_selector("#vg-tooltip-element.visible")
        assert "max_depth 12" in seen.texts("#vg-tooltip-element h2")[0]


def test_pointing_anywhere_at_a_line_shows_its_candidate(visit: Visitor) -> None:
    middle_of_second_last = """() => {
        const line = [...document.querySelectorAll('[data-chart=parallel] .mark-line path')].at(-2);
        line.scrollIntoView({block: 'center'});
        const at = line.getPointAtLength(line.getTotalLength() * 0.37);
        const point = new DOMPoint(at.x, at.y).matrixTransform(line.getScreenCTM());
        return [point.x, point.y];
    }"""
    with visit(page_of("the seed's grid")) as seen:
        x, y = seen.value(middle_of_second_last)
        for step in (0, 0.4, 0.2):  # a moving pointer: the highlight comes below it
            seen.page.mouse.move(x + step, y)
            seen.page.wait_for_timeout(60)
        seen.frame.wait_for_selector("#vg-tooltip-element.visible")
        assert "rank" in seen.texts("#vg-tooltip-element.visible td")


def test_the_table_holds_the_leaderboard_in_its_order(visit: Visitor) -> None:
    data = report_data()
    board = data.leaderboard
    ranked = board[board["rank"].notna()].sort_values("rank")
    with visit(render(data)) as seen:
        assert seen.texts(".board tbody .id") == [*ranked["candidate"], "baseline"]
        assert [float(text) for text in seen.texts(".board tbody .score")[:-1]] == pytest.approx(
            ranked["rmse_mean"].tolist(), rel=5e-4
        )
        assert seen.texts(".board tr.winner .id") == [data.best["candidate"]]


def test_a_baseline_that_wins_stands_above_the_winner_and_the_page_warns(visit: Visitor) -> None:
    with visit(page_of("a baseline that wins")) as seen:
        assert seen.texts(".board tbody .id")[0] == "baseline"
        assert "worse than predicting the mean" in seen.texts(".lead.warning")[0]
        assert any("worse" in text for text in seen.texts(".card dd"))


def test_failed_candidates_are_listed_with_their_errors(visit: Visitor) -> None:
    with visit(page_of("candidates that failed, a fold without a score")) as seen:
        assert {"more memory than 3.6 GiB", "worker lost"} <= set(seen.texts("td.raw"))


@pytest.mark.slow
def test_a_thousand_candidates_make_a_page_below_five_megabytes(visit: Visitor) -> None:
    text = page_of("a thousand candidates")
    assert len(text.encode()) < 5_000_000
    with visit(text) as seen:
        assert len(seen.texts(".board tbody tr")) == 51  # the best 50 and the baseline
        assert seen.frame.locator("[data-chart=cost] .mark-symbol path").count() == 1000


def test_a_small_page_is_about_a_megabyte() -> None:
    assert len(page_of("the seed's grid").encode()) < 1_100_000


@pytest.mark.parametrize("search", SEARCHES)
def test_a_still_page_has_no_script_and_is_small_enough_for_many_cells(search: str) -> None:
    text = page_of(search, still=True)
    assert "<script" not in text and "script-src 'none'" in html.unescape(text)
    assert len(text.encode()) < (280_000 if search == "a thousand candidates" else 145_000)


def test_the_still_page_of_sixteen_candidates_has_eighty_kilobytes() -> None:
    assert len(page_of("the seed's grid", still=True).encode()) < 82_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_still_chart_says_what_the_live_one_says_in_the_same_colours(
    scheme: str, visit: Visitor
) -> None:
    texts = """[...document.querySelectorAll('[data-chart]')].map(chart => [chart.dataset.chart,
        [...chart.querySelectorAll('text')].map(text => text.textContent).sort()])"""
    marks = """[...document.querySelectorAll('[data-chart=folds] path, [data-chart=cost] path')]
        .map(mark => getComputedStyle(mark)).filter(style => style.fill != 'none')
        .map(style => style.fill.startsWith('color')
            ? style.fill.match(/[0-9.]+/g).map(part => 255 * part)
            : style.fill.match(/[0-9]+/g).map(Number))"""
    seen = []
    for still in (False, True):
        with visit(page_of("the seed's grid", still), 1000, scheme) as page:
            said = dict(page.value(texts))
            colours = [colour for colour in page.value(marks) if len(colour) == 3]
            seen.append((said, colours))
            assert page.value("document.documentElement.scrollWidth") <= 1000
    (live, live_colours), (still_, still_colours) = seen
    ticks = {name for name in live if name.startswith(("hyper", "cost", "seconds"))}
    assert {name: live[name] for name in live.keys() - ticks} == {
        name: still_[name] for name in still_.keys() - ticks
    }
    assert len(live_colours) == len(still_colours) > 90
    for one, other in zip(live_colours, still_colours, strict=True):
        assert one == pytest.approx(other, abs=2)


def test_a_still_page_fits_a_narrow_frame(visit: Visitor) -> None:
    with visit(page_of("the seed's grid", still=True), NARROW, framed=True) as seen:
        assert seen.value("document.documentElement.scrollWidth") <= NARROW


def test_text_of_the_users_stays_text_in_a_still_chart(visit: Visitor) -> None:
    data = report_data(folds=["<img>\x01", "</svg><img>", 'a" class="b'])
    with visit(render(data, still=True), NARROW, framed=True) as seen:
        assert seen.frame.locator("img").count() == seen.frame.locator("script").count() == 0
        labels = seen.texts("[data-chart=folds] text")
        assert {"<img>\N{REPLACEMENT CHARACTER}", "</svg><img>", 'a" class="b'} <= set(labels)


def test_the_title_names_the_target_and_the_winners_score() -> None:
    title = re.search("<title>(.*?)</title>", page_of("the seed's grid"))
    assert title and title[1] == "log1p(installed_kib): rmse 1.171 – fanfold"


def test_before_the_final_training_the_page_says_that_it_comes_next() -> None:
    text = page_of("before the final training")
    assert "The final training comes next" in text
    assert "on the test rows</small>" not in text


def test_the_page_has_a_language_a_scheme_and_headings_in_order(visit: Visitor) -> None:
    with visit(page_of("the seed's grid")) as seen:
        assert seen.value("document.documentElement.lang") == "en"
        assert seen.value("document.querySelector('meta[name=color-scheme]').content") == (
            "light dark"
        )
        headings = "[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])"
        levels = seen.value(headings)
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))
        assert seen.frame.locator("th:not([scope])").count() == 0
        assert seen.frame.locator("[data-chart]:not([aria-label])").count() == 0
