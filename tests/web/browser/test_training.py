"""A person trains a GAN without a command: chooses pictures, watches, and looks at what the model draws."""

import pytest

from web.browser import paint_page as page
from web.browser.driven import until

TINY = {"images": 480, "width": 4, "latent": 8, "batch": 16, "grids": 3}


@pytest.mark.slow  # a minute: the look at the pictures trains for some seconds, too
def test_a_gan_is_trained_watched_and_looked_at(browser, axe, server):
    browser.open("/train")
    browser.labelled("digits").click()
    browser.one("#advice")  # what gan check says
    page.set_to(browser, **TINY)
    browser.one("#start").click()
    until(lambda: "job=" in browser.driver.current_url, "the training is shown")
    job = browser.driver.current_url.rpartition("=")[2]
    assert server.get(f"/api/jobs/{job}")["settings"].items() >= TINY.items()
    browser.loaded("#grid")
    browser.driver.refresh()
    browser.loaded("#grid")
    page.wait(server, job)
    browser.one("#state[data-state=done]")

    browser.labelled("Look at the model").click()
    first = browser.loaded("#samples img")
    browser.labelled("Others").click()
    until(lambda: browser.loaded("#samples img") != first, "other samples are drawn")
    for sample in browser.all("#samples button")[:2]:
        sample.click()
    browser.loaded("#frame")
    assert browser.barriers(axe) == []
    browser.open("/models")
    browser.loaded(f"[href*='{job}'] img")
