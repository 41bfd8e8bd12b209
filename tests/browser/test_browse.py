"""08 in the browser: controls change the picture, which fits the window; a click on a dot shows its fit."""

import pytest

from tests.browser.lab import NEEDS_BROWSER, OpenNotebook

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

PICTURE = (
    """cell => [...cell.querySelectorAll(".jupyter-matplotlib-canvas-div canvas")].map(canvas => canvas.toDataURL())"""
)
# Where a dot may be: squares of one colour, the palest first, since lines and means are drawn stronger than fits.
DOTS = """cell => {
    const found = [];
    for (const canvas of cell.querySelectorAll(".jupyter-matplotlib-canvas-div canvas")) {
        const {width, height} = canvas, shown = canvas.getBoundingClientRect();
        const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
        const at = (x, y) => [...data.slice(4 * (y * width + x), 4 * (y * width + x) + 3)];
        for (let y = 1; y < height - 1; y++) for (let x = 1; x < width - 1; x++) {
            const colour = at(x, y), strength = Math.max(...colour) - Math.min(...colour), same = colour.join();
            const around = [[-1, -1], [-1, 1], [1, -1], [1, 1]].map(([dx, dy]) => at(x + dx, y + dy).join());
            const place = [shown.width * x / width, shown.height * y / height];
            if (strength > 30 && around.every(other => other === same)) found.push([strength, ...place]);
        }
    }
    found.sort((a, b) => a[0] - b[0]);
    const apart = [];
    for (const [, x, y] of found)
        if (apart.every(other => Math.hypot(other[0] - x, other[1] - y) > 9)) apart.push([x, y]);
    return apart;
}"""

FIT_OF_THE_TEXTS = """([cell, [model, , annotations]]) => {
    const chosen = [...cell.querySelectorAll("select")].map(select => select.selectedOptions[0]?.text);
    return chosen.includes(model) && chosen.includes(annotations);
}"""

OPENED_FROM_THE_STORE = """() => [...window.jupyterapp.shell.widgets("main")]
    .map(panel => panel.context?.path).find(path => path?.startsWith("full/runs/"))"""


@pytest.fixture
def explorer(opened):
    """The notebook after Run All, and the element of the cell with the picture."""
    notebook = opened("full/notebooks/08_browse.ipynb")
    notebook.run_all()
    notebook.wait_until_drawn()
    return notebook, notebook.node(notebook.cell_that_says("Explorer("))


def test_a_control_changes_the_picture_and_a_click_on_a_dot_shows_its_fit(explorer, page, keep_picture):
    notebook, cell = explorer
    assert not notebook.unexecuted()
    keep_picture(notebook, "08_browse")
    first = cell.evaluate(PICTURE)
    cell.locator("select", has=page.locator("option", has_text="spearman")).first.select_option("spearman")
    page.wait_for_function(
        f"([cell, first]) => ({PICTURE})(cell).join() !== first", arg=[cell.element_handle(), ",".join(first)]
    )
    assert "executed notebook" not in cell.inner_text()
    click_until_a_fit_is_shown(cell)
    keep_picture(notebook, "08_browse-clicked")
    title = cell.locator(".rmkit-title").inner_text()  # as mlp_clf-1.0-150
    texts = notebook.node(notebook.cell_that_says("Responses("))
    page.wait_for_function(FIT_OF_THE_TEXTS, arg=[texts.element_handle(), title.split("-")])
    cell.locator("a[href]").click()
    executed = OpenNotebook(page, page.wait_for_function(OPENED_FROM_THE_STORE).json_value())
    executed.wait_until_open()
    executed.close()


# What sticks out of the explorer to the right, and what can be scrolled sideways in it (tables of many columns may).
TOO_WIDE = """cell => {
    const root = cell.querySelector(".rmkit-explorer"), end = root.getBoundingClientRect().right;
    const parts = root.querySelectorAll(".jupyter-matplotlib-canvas-div, .rmkit-place, .rmkit-side, .rmkit-card");
    const out = [...parts].filter(each => each.getBoundingClientRect().right > end + 1).map(each => each.className);
    return [...out, ...(root.scrollWidth > root.clientWidth + 1 ? ["the explorer itself"] : [])];
}"""
FILLED = """cell => {
    const [place, canvas] = [".rmkit-place", ".jupyter-matplotlib-canvas-div"].map(name => cell.querySelector(name));
    return canvas.clientWidth > 100 && Math.abs(place.clientWidth - canvas.clientWidth) <= 2;
}"""
IN_VIEW = """cell => {
    const link = cell.querySelector(".rmkit-chosen-fit a[href]"), box = link?.getBoundingClientRect();
    return Boolean(box && box.height > 0 && box.top >= 0 && box.bottom <= window.innerHeight);
}"""


@pytest.mark.parametrize("width", [1400, 900])
def test_the_picture_fits_the_window_a_dot_says_its_values_and_the_clicked_fit_is_in_view(
    explorer, page, keep_picture, width
):
    notebook, cell = explorer
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": before["height"]})
    try:
        page.wait_for_function(FILLED, arg=cell.element_handle())
        assert cell.evaluate(TOO_WIDE) == []
        keep_picture(notebook, f"08_browse-{width}")
        hover_until_values_are_said(cell, page)
        click_until_a_fit_is_shown(cell)
        page.wait_for_function(IN_VIEW, arg=cell.element_handle())
        assert cell.evaluate(TOO_WIDE) == []
    finally:
        page.set_viewport_size(before)


def hover_until_values_are_said(cell, page):
    """Point at what looks like a dot, and at the next one if nothing comes of it."""
    from playwright.sync_api import TimeoutError as TooLong

    for attempt in range(15):
        dots = cell.evaluate(DOTS)
        x, y = dots[attempt % len(dots)]
        cell.locator(".jupyter-matplotlib-canvas-div").hover(position={"x": x, "y": y})
        try:
            cell.locator(".rmkit-hover").wait_for(timeout=3000)
        except TooLong:
            continue
        said = cell.locator(".rmkit-hover").inner_text()
        assert "annotations" in said or "mean of" in said  # a level has no annotations
        canvas, box = (cell.locator(each).bounding_box() for each in (".jupyter-matplotlib-canvas-div", ".rmkit-hover"))
        sides = [abs(canvas["y"] + y - end) for end in (box["y"], box["y"] + box["height"])]
        assert min(sides) < 20  # the box begins or ends beside the dot, which is up to 8 pixels from the mouse
        page.mouse.move(1, 1)
        cell.locator(".rmkit-hover").wait_for(state="detached", timeout=10_000)
        return
    raise AssertionError("no dot said its values")


def click_until_a_fit_is_shown(cell):
    """Click on what looks like a dot, and on the next one if nothing comes of it.

    Looked for anew each time: on a busy machine the picture may still be being drawn.
    """
    from playwright.sync_api import TimeoutError as TooLong

    for attempt in range(15):
        dots = cell.evaluate(DOTS)
        x, y = dots[attempt % len(dots)]
        cell.locator(".jupyter-matplotlib-canvas-div").click(position={"x": x, "y": y})
        try:
            cell.locator("a[href]").wait_for(timeout=4000)  # to the executed notebook
            return
        except TooLong:
            continue
    raise AssertionError("no click on a dot showed its fit")


def test_rows_choose_fits_two_are_compared_and_a_view_comes_back(explorer, page, keep_picture):
    notebook, cell = explorer
    lines, over = cell.locator(".rmkit-line"), cell.locator("button.rmkit-over:visible")
    first = lines.first.inner_text()
    for arrow in ("↑", "↓"):
        cell.locator("button.rmkit-sort", has_text="value").click()
        cell.locator("button.rmkit-sort", has_text=f"value {arrow}").wait_for()
    assert lines.first.inner_text() != first
    box, line = over.nth(1).bounding_box(), lines.nth(1).bounding_box()
    assert [round(box[side]) for side in box] == [round(line[side]) for side in line]  # buttons lie on their lines
    over.nth(1).click()
    page.wait_for_function(IN_VIEW, arg=cell.element_handle())  # the page scrolls to it, and a click would miss
    cell.locator("button", has_text="compare with another").click()
    cell.locator(".rmkit-a").first.wait_for()
    cell.locator("button[title='last page']").click()
    over.nth(0).click()
    cell.locator(".rmkit-b").first.wait_for()
    page.wait_for_function(IN_VIEW, arg=cell.element_handle())
    compared = [title.inner_text() for title in cell.locator(".rmkit-title").all()]
    keep_picture(notebook, "08_browse-compared")
    name = cell.locator("input[placeholder^='save as']")
    name.fill("two fits")
    name.press("Tab")
    cell.locator("button[title='save what is seen']").click()
    cell.get_by_text("two fits is saved").wait_for()
    cell.locator("select", has=page.locator("option", has_text="spearman")).first.select_option("spearman")
    cell.locator("button[title='remove the chosen view']:disabled").wait_for()  # what is seen is no saved view
    assert not cell.locator(".rmkit-b").count()
    cell.locator("select", has=page.locator("option", has_text="two fits")).select_option("two fits")
    cell.locator(".rmkit-b").first.wait_for()
    assert [title.inner_text() for title in cell.locator(".rmkit-title").all()] == compared
    cell.locator("button", has_text="CSV").click()
    with page.expect_download() as download:
        cell.locator("a[download]").click()
    n_rows = len(download.value.path().read_text(encoding="utf-8").splitlines()) - 1
    assert f"of {n_rows:,}" in cell.inner_text()
