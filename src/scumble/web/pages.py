"""The pages: templates with our words in them. What they show, their scripts ask the interface for.

Scripts get the words as a module of their own, since the page allows no script inside its text.
"""

import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from scumble.web.app import web_of
from scumble.web.gan.words import WORDS as GAN_WORDS
from scumble.web.words import WORDS as OWN_WORDS

HERE = Path(__file__).parent
PAGES = ("paint", "jobs", "gallery", "train", "models", "labels")
"""Those that the navigation shows, in its order; the first is the one at /."""

WORDS = OWN_WORDS | GAN_WORDS
"""All that pages and scripts read."""

_templates = Jinja2Templates(directory=HERE / "templates")


def render(request: Request, template: str, page: str, **values: Any) -> Response:
    """A page of a template.

    Args:
        request: that asked for it.
        template: the file's name.
        page: which of `PAGES` the navigation marks, or another text for none.
        values: what else the template uses.
    """
    links = {name: "/" if name == PAGES[0] else f"/{name}" for name in PAGES}
    return _templates.TemplateResponse(request, template, {"words": WORDS, "page": page, "links": links} | values)


async def paint(request: Request) -> Response:
    """Where a photograph and paintings become a job."""
    web_of(request).live.warm()  # who opens it will soon want to see something painted
    return render(request, "paint.html", "paint")


async def jobs(request: Request) -> Response:
    """The queue."""
    return render(request, "jobs.html", "jobs")


async def job(request: Request) -> Response:
    """One job, whose id the page's script takes from its address."""
    return render(request, "job.html", "jobs")


async def gallery(request: Request) -> Response:
    """The results."""
    return render(request, "gallery.html", "gallery")


async def words(request: Request) -> Response:
    """The words, as a module for scripts."""
    return Response(f"export default {json.dumps(WORDS)};\n", media_type="text/javascript", headers=FRESH)


class Static(StaticFiles):
    """Files that a browser keeps, and asks each time whether they are still the same: a new version is seen at once."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """The file, or that it is the same."""
        response = super().file_response(*arguments, **options)
        response.headers.update(FRESH)
        return response


FRESH = {"Cache-Control": "no-cache"}

ROUTES: list[BaseRoute] = [
    Route("/", paint),
    Route("/jobs", jobs),
    Route("/jobs/{id}", job),
    Route("/gallery", gallery),
    Route("/words.js", words),
    Mount("/static", Static(directory=HERE / "static")),
]
