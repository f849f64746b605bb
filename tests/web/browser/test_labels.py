"""A person gives labels by clicking and by keys; what was clicked is there after a reload and in another window."""

import pytest
from selenium.webdriver.common.keys import Keys

from web.browser.driven import until


@pytest.mark.slow  # half a minute
def test_labels_are_given_undone_and_kept(browser, browse, axe, server):
    browser.open("/labels")
    browser.labelled("digits").click()
    browser.one("#create").click()
    until(lambda: "/labels/" in browser.driver.current_url, "pictures are shown")
    address = browser.driver.current_url.removeprefix(server.address)
    for name in ("round", "straight"):
        browser.one("#class-name").send_keys(name, Keys.ENTER)
        until(lambda name=name: name in browser.one("#classes").text, "the class is named")
    browser.loaded("#pictures img")
    pictures = browser.all("#pictures button")
    pictures[2].click()  # of the class that was named last
    pictures[4].send_keys("1")
    assert browser.driver.switch_to.active_element == pictures[5]
    pictures[6].send_keys("2")
    browser.one("#undo").click()
    until(lambda: server.get(f"/api{address}")["labels"] == {"2": 1, "4": 0}, "clicks are saved")
    browser.labelled("Train one")  # there is no network yet that could sort by them
    assert browser.barriers(axe) == []
    other = browse(server)
    other.open(address)
    tags = until(lambda: [tag.text for tag in other.all("#pictures .tag") if tag.text], "labels are there")
    assert tags == ["straight", "round"]
