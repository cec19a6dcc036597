"""The widgets as people use them: in JupyterLab, by mouse and by keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(os.environ.get("PLAYHEAD_SCREENSHOTS", ROOT / "build" / "screenshots"))

DAYS = f"""
import playhead as ph
flights = ph.read_parquet({str(ROOT / "datasets" / "flights.parquet")!r}, time="departed", arrival="landed",
                          out_of_order="12h")
days = flights.groupby(["origin", ph.tumbling("1D")]).agg(n=("flight", "count"), delay=("dep_delay", "mean"))
"""
EVIL = "<img src=x onerror=window.broken=1>"
TWO_VIEWS = """
from playhead_widgets.chart import ChartView, Drawing
from playhead_widgets.panel import Panel
from playhead_widgets.table import TableView
line = Drawing.of(days.schema, "line", "window_start", "delay", "origin", None)
panel = Panel(days.replay(duration="40s", name="days"), [TableView, lambda watched: ChartView(watched, line)])
panel
"""


def counts_by_day() -> Any:
    """What the notebooks' question is answered by pandas."""
    flights = pd.read_parquet(ROOT / "datasets" / "flights.parquet")
    return flights.groupby(["origin", flights.departed.dt.floor("1D")]).flight.count()


@pytest.fixture
def page(lab: Any) -> Iterator[Any]:
    page = lab.page()
    yield page
    page.evaluate("async () => { await window.jupyterapp?.shell.currentWidget?.sessionContext.shutdown(); }")
    page.context.close()
    assert lab.errors == []


def shot(page: Any, name: str) -> None:
    """Keep a picture for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


def begin(lab: Any, page: Any, name: str, *cells: str) -> None:
    lab.write(name, list(cells))
    lab.open(name, page)
    lab.run_all(page)
    page.wait_for_selector(".ph-transport[data-frames]")


def number(page: Any, selector: str, what: str) -> int:
    return int(page.locator(selector).first.get_attribute(f"data-{what}"))


def wait_for_more(page: Any, selector: str, what: str = "frames", by: int = 5) -> None:
    """Until a counter of a view has grown."""
    goal = number(page, selector, what) + by
    page.wait_for_function(f"() => Number(document.querySelector('{selector}').dataset.{what}) >= {goal}")


def state(page: Any, wanted: str) -> None:
    page.wait_for_selector(f".ph-transport[data-state='{wanted}']")


WATCH = """() => {
    window.apart = 0; window.looks = 0;
    const look = () => {
        const epochs = new Set([...document.querySelectorAll('.ph-view')].map(view => view.dataset.epoch));
        if (epochs.size > 1) window.apart += 1;
        window.looks += 1;
        requestAnimationFrame(look);
    };
    look();
}"""


def test_a_table_and_a_chart_tick_together_and_are_steered_by_mouse_and_keyboard(lab: Any, page: Any) -> None:
    begin(lab, page, "steered.ipynb", DAYS, TWO_VIEWS, "1 + 1")
    page.wait_for_selector(".ph-table[data-frames]")
    page.wait_for_selector(".ph-chart[data-frames] canvas")
    page.evaluate(WATCH)
    wait_for_more(page, ".ph-table")
    wait_for_more(page, ".ph-chart")
    assert page.locator(".ph-body .ph-row").count() > 0

    page.locator(".ph-transport .ph-main").click()
    state(page, "paused")
    shot(page, "paused_light")

    # Steps go on by what can be seen; the bar takes keys wherever the focus is in it.
    epoch = number(page, ".ph-table", "epoch")
    page.get_by_role("button", name="step to the next change").click()
    page.wait_for_function("epoch => Number(document.querySelector('.ph-table').dataset.epoch) > epoch", arg=epoch)
    state(page, "paused")
    shown = page.locator(".ph-clock").inner_text()
    page.locator(".ph-timeline").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("text => document.querySelector('.ph-clock').textContent !== text", arg=shown)

    before = page.locator(".ph-speed").input_value()
    page.keyboard.press("]")
    page.wait_for_function("text => document.querySelector('.ph-speed').value !== text", arg=before)
    page.keyboard.press("[")
    page.wait_for_function("text => document.querySelector('.ph-speed').value === text", arg=before)
    page.keyboard.press("Space")
    state(page, "running")
    wait_for_more(page, ".ph-chart")
    page.keyboard.press("Space")
    state(page, "paused")
    assert page.evaluate("() => window.looks") > 10
    assert page.evaluate("() => window.apart") == 0

    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
    shot(page, "paused_dark")
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")


def test_the_end_of_a_replay_shows_what_pandas_computes(lab: Any, page: Any) -> None:
    begin(lab, page, "end.ipynb", DAYS, "days.live()")
    state(page, "finished")
    counts = counts_by_day()
    page.wait_for_function(
        "count => document.querySelector('.ph-scroller').getAttribute('aria-rowcount') == count", arg=len(counts) + 1
    )
    page.get_by_role("searchbox", name="filter rows").fill("origin == 'JFK'")
    page.wait_for_function(
        "count => document.querySelector('.ph-scroller').getAttribute('aria-rowcount') == count",
        arg=int(len(counts.loc["JFK"])) + 1,
    )
    page.locator(".ph-sort", has_text="window_start").click()  # from latest first to earliest first
    page.wait_for_function(
        "() => document.querySelectorAll('.ph-body .ph-cell')[1]?.textContent.startsWith('2013-01-01')"
    )
    row = page.locator(".ph-body .ph-row").first.locator(".ph-cell")
    assert row.nth(0).inner_text() == "JFK"
    assert row.nth(3).inner_text() == str(counts.loc["JFK"].iloc[0])


def test_what_looks_like_markup_is_shown_as_text(lab: Any, page: Any) -> None:
    evil = f"""
import pandas as pd, playhead as ph
times = pd.to_datetime(["2024-01-01", "2024-01-02"], utc=True)
frame = ph.from_pandas(pd.DataFrame({{"t": times, {EVIL!r}: [{EVIL!r}] * 2, "y": [1.0, 2.0]}}), time="t")
frame.live(name={EVIL!r})"""
    begin(lab, page, "evil.ipynb", evil, f"frame.live.line(x='t', y='y', by={EVIL!r})")
    page.wait_for_selector(".ph-chart[data-frames] canvas")
    page.wait_for_selector(".ph-body .ph-row")
    for place in (".ph-title", ".ph-name", ".ph-body .ph-cell", ".ph-chip"):
        assert page.locator(place, has_text=EVIL).count() >= 1, place
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("() => window.broken") is None


def test_other_cells_run_while_a_view_ticks_and_running_its_cell_again_replaces_it(lab: Any, page: Any) -> None:
    count = "import threading\nprint(sum('playhead query' in t.name for t in threading.enumerate()), 'queries')"
    begin(lab, page, "again.ipynb", DAYS, "panel = days.live(duration='60s')\npanel", "print('still', 40 + 2)", count)
    page.wait_for_selector("text=still 42")
    wait_for_more(page, ".ph-table")
    lab.run_cell(page, 1)
    page.wait_for_function("() => document.querySelectorAll('.ph-table').length === 1")
    page.wait_for_selector(".ph-table[data-frames]")
    wait_for_more(page, ".ph-table")
    lab.run_cell(page, 3)
    page.wait_for_selector("text=1 queries")


def test_a_static_twin_stays_when_the_widget_is_gone_and_is_hidden_while_it_is_there(lab: Any, page: Any) -> None:
    close = "if 'again' in globals(): panel.close()\nagain = True"
    begin(lab, page, "twin.ipynb", DAYS, "panel = days.live()\npanel", close)
    state(page, "finished")
    visible = "() => { const twin = document.querySelector('.playhead-twin'); return twin && twin.checkVisibility(); }"
    page.wait_for_function("() => document.querySelector('.playhead-twin').textContent.includes('finished')")
    assert page.evaluate(visible) is False
    lab.run_cell(page, 2)
    page.wait_for_function(visible)
    assert f"the last 10 of {len(counts_by_day()):,} rows" in page.locator(".playhead-twin").inner_text()


def test_nothing_outside_of_this_machine_is_asked_for(lab: Any) -> None:
    own = (lab.base, lab.base.replace("http", "ws"), "data:", "blob:")
    assert lab.requests
    assert [address for address in lab.requests if not address.startswith(own)] == []
