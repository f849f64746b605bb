"""The description of the interface: everything that can be asked for is in it, in words."""

import json
import re

from scumble.web.api import openapi
from scumble.web.jobs.kinds import KINDS


def test_everything_that_can_be_asked_for_is_described(client):
    described = client.get("/openapi.json").json()
    asked = {(one.method, one.path) for one in openapi.operations(client.app.routes)}
    assert {(method, path) for path, methods in described["paths"].items() for method in methods} == asked
    for path in (
        "/api/uploads",
        "/api/jobs",
        "/api/jobs/{id}/events",
        "/api/forms/{kind}",
        "/api/plan",
        "/api/preview",
    ):
        assert path in described["paths"]
    for methods in described["paths"].values():
        for told in methods.values():
            assert told["summary"].endswith((".", "}"))
            assert len(told["summary"]) > 10
    ids = [told["operationId"] for methods in described["paths"].values() for told in methods.values()]
    assert len(set(ids)) == len(ids)


def test_records_and_the_settings_of_every_kind_are_in_it_and_all_references_lead_somewhere(client):
    described = client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    assert {"NewJob", *(f"settings-of-{kind}" for kind in KINDS)} <= schemas.keys()
    assert schemas["settings-of-stylize"]["properties"]["strength"]["description"]
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(described)):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for path, methods in described["paths"].items():
        for told in methods.values():
            assert [p["name"] for p in told.get("parameters", [])] == re.findall(r"{(\w+)}", path)


def test_the_page_for_people_lists_the_same(client):
    text = client.get("/api").text
    for one in openapi.operations(client.app.routes):
        assert f"{one.method.upper()} {one.path}" in text
