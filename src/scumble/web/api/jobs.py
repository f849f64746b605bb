"""Jobs: to add, to look at, to stop and to go on with; what they take of the disk, and their forms."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scumble.web import forms
from scumble.web.answers import Body, answer, refuse, with_body
from scumble.web.api.inputs import found
from scumble.web.app import Web, web_of
from scumble.web.jobs import kinds, limits

Id = Annotated[str, Field(max_length=1000)]


class NewJob(Body):
    """A job to be queued: its kind, the settings that are not as usual, and ids of its inputs by role."""

    kind: Annotated[str, Field(max_length=60, description="such as stylize or train")]
    title: Annotated[str | None, Field(max_length=200, description="for people")] = None
    settings: Annotated[
        dict[str, Any], Field(description="those that are not as usual; see /api/forms", default_factory=dict)
    ]
    inputs: Annotated[
        dict[str, Annotated[list[Id], Field(max_length=500)]],
        Field(description="ids by role, such as content", default_factory=dict),
    ]


class OtherSettings(Body):
    """Settings in the place of those that the job had."""

    settings: dict[str, Any]


class Place(Body):
    """The job that is to be worked on after this one; null for none."""

    before: Id | None = None


class NewLimits(Body):
    """What all jobs may take."""

    waiting: Annotated[int | None, Field(ge=1, le=100_000, description="jobs that wait or run")] = None
    disk_bytes: Annotated[int | None, Field(ge=0, description="of jobs and uploads")] = None
    free_bytes: Annotated[int | None, Field(ge=0, description="that stay free on the disk")] = None


def told(job: dict[str, Any]) -> dict[str, Any]:
    """A job, with the addresses of its files."""
    files = [file | {"url": f"/api/jobs/{job['id']}/files/{quote(file['name'])}"} for file in job["files"]]
    return {name: value for name, value in job.items() if name != "key"} | {"files": files}


async def add(request: Request, body: NewJob) -> Response:
    """Queue a job. Sent again with the same `Idempotency-Key`, it is queued once."""
    web = web_of(request)
    key = request.headers.get("idempotency-key", "")[:200] or None

    def work() -> tuple[dict[str, Any], bool]:
        kinds.check(body.kind, body.settings, body.inputs)
        inputs = found(body.inputs, web.uploads, web.settings)
        return web.queue.add(body.kind, body.settings, inputs, body.title, key)

    return await _added(web, work)


async def again(request: Request, body: OtherSettings) -> Response:
    """Queue a job with the inputs of another, and other settings."""
    web, id_ = web_of(request), request.path_params["id"]
    key = request.headers.get("idempotency-key", "")[:200] or None

    def work() -> tuple[dict[str, Any], bool]:
        facts = web.queue.folder_of(id_).facts
        kinds.check(facts["kind"], body.settings, facts["inputs"])
        return web.queue.again(id_, body.settings, key)

    return await _added(web, work)


async def _added(web: Web, work: Callable[[], tuple[dict[str, Any], bool]]) -> Response:
    job, is_new = await run_in_threadpool(work)
    web.supervisor.wake()
    return answer(told(job), 201 if is_new else 200)


async def listed(request: Request) -> Response:
    """All jobs, in the order in which they are worked on."""
    jobs = await run_in_threadpool(web_of(request).queue.jobs)
    return answer([told(job) for job in jobs])


async def shown(request: Request) -> Response:
    """One job: what was asked for, how it stands, how far it is, and its files."""
    queue, id_ = web_of(request).queue, request.path_params["id"]
    return answer(told(await run_in_threadpool(lambda: queue.folder_of(id_).shown())))


async def pause(request: Request) -> Response:
    """Stop a job for now."""
    return await _changed(request, web_of(request).queue.pause)


async def resume(request: Request) -> Response:
    """Go on with a job that was stopped, or has failed."""
    return await _changed(request, web_of(request).queue.resume)


async def cancel(request: Request) -> Response:
    """Stop a job for good; it keeps what it has made."""
    return await _changed(request, web_of(request).queue.cancel)


async def _changed(request: Request, change: Callable[[str], dict[str, Any]]) -> Response:
    job = await run_in_threadpool(change, request.path_params["id"])
    web_of(request).supervisor.wake()
    return answer(told(job))


async def move(request: Request, body: Place) -> Response:
    """Have a job worked on before another one, or last of all."""
    return answer(told(await run_in_threadpool(web_of(request).queue.move, request.path_params["id"], body.before)))


async def delete(request: Request) -> Response:
    """Remove a job and its files; one that is worked on is stopped first."""
    await run_in_threadpool(web_of(request).queue.delete, request.path_params["id"])
    return Response(status_code=204)


async def disk(request: Request) -> Response:
    """What jobs and uploads take of the disk, in bytes, and the limits."""
    return answer(await run_in_threadpool(web_of(request).queue.disk))


async def limit(request: Request, body: NewLimits) -> Response:
    """Change limits; those that are left out stay."""
    home = web_of(request).settings.home

    def work() -> None:
        changed = {name: value for name, value in body.model_dump().items() if value is not None}
        limits.write(home, limits.Limits(**vars(limits.read(home)) | changed))

    await run_in_threadpool(work)
    return await disk(request)


async def form(request: Request) -> Response:
    """The form of a kind's settings: groups of fields, and presets."""
    try:
        return answer(await run_in_threadpool(forms.form, request.path_params["kind"]))
    except KeyError:
        refuse(f"there is no form of this kind; wanted one of {', '.join(kinds.KINDS)}", 404)


ROUTES = [
    Route("/api/jobs", listed),
    Route("/api/jobs", with_body(NewJob, add), methods=["POST"]),
    Route("/api/jobs/{id}", shown),
    Route("/api/jobs/{id}", delete, methods=["DELETE"]),
    Route("/api/jobs/{id}/pause", pause, methods=["POST"]),
    Route("/api/jobs/{id}/resume", resume, methods=["POST"]),
    Route("/api/jobs/{id}/cancel", cancel, methods=["POST"]),
    Route("/api/jobs/{id}/again", with_body(OtherSettings, again), methods=["POST"]),
    Route("/api/jobs/{id}/move", with_body(Place, move), methods=["POST"]),
    Route("/api/disk", disk),
    Route("/api/disk", with_body(NewLimits, limit), methods=["POST"]),
    Route("/api/forms/{kind}", form),
]
