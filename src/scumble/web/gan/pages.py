"""The pages of GANs: training and watching, models, and labels. Their scripts take ids from their addresses."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scumble.web.pages import render


async def train(request: Request) -> Response:
    """Where pictures become a training; with ?job=ID, how it goes."""
    return render(request, "train.html", "train")


async def models(request: Request) -> Response:
    """All GANs that there are."""
    return render(request, "models.html", "models")


async def model(request: Request) -> Response:
    """What one of them draws."""
    return render(request, "model.html", "models")


async def labels(request: Request) -> Response:
    """Where labels are begun, or gone on with."""
    return render(request, "labels.html", "labels")


ROUTES = [
    Route("/train", train),
    Route("/models", models),
    Route("/models/{id:path}", model),
    Route("/labels", labels),
    Route("/labels/{id}", labels),
]
