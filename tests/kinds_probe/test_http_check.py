"""http-check, with real requests."""

import asyncio
import json
from dataclasses import replace

import pytest
import yaml
from aiohttp import web
from pydantic import ValidationError

from maintd.core.outcome import Finding, Status
from maintd.core.target import Target
from maintd.kinds.observe import http_check, latency_sample
from maintd.kinds.observe.http_check import KIND
from maintd.probe.guard import Guard

HEALTH = {"status": "healthy", "database": "gcp_firestore", "storage": "gcp_cloud_storage"}
OPENAPI = {"info": {"title": "OMTX-Hub API"}, "paths": {f"/path/{n}": {} for n in range(900)}}
LOOK = "kubectl -n shop get pods; kubectl -n shop logs deployment/backend --since=15m --all-pods"


def params(*checks, **known):
    return KIND.params.model_validate({"checks": list(checks), **known})


def example(kind):
    [job] = yaml.safe_load(kind.manual.partition("Example:")[2])
    return kind.params.model_validate(job["params"])


def page(document, status=200):
    return (status, json.dumps(document), {"Content-Type": "application/json"})


async def test_the_runbooks_checks_hold_against_a_healthy_application(app, context):
    app.pages |= {"/health": page(HEALTH), "/docs": (200, "<html>", {}), "/openapi.json": page(OPENAPI)}
    ctx = context()

    outcome = await KIND.run(ctx, example(KIND))

    assert (outcome.judged(), outcome.summary, outcome.findings) == (Status.OK, "3 of 3 checks hold", ())
    assert app.asked == ["GET /health", "GET /docs", "GET /openapi.json"]
    slowest = outcome.metrics["slowest_seconds"]
    assert (outcome.metrics, ctx.memory) == (
        {"up": 1, "checks": 3, "failed_checks": 0, "slowest_seconds": slowest},
        {},
    )


@pytest.mark.parametrize("kind", [http_check.KIND, latency_sample.KIND], ids=lambda kind: kind.name)
async def test_a_host_that_nobody_knows_is_looked_up_next_and_not_its_pods(context, kind):
    host = f"{'a' * 64}.invalid"
    written = {"checks": [{"url": f"http://{host}/"}]} if kind is KIND else {"samples": 1, "url": f"http://{host}/"}

    outcome = await kind.run(context(), kind.params.model_validate(written))

    assert [finding.remedy for finding in outcome.findings] == [f"see whether the name is right: nslookup {host}"]


@pytest.mark.parametrize("kind", [http_check.KIND, latency_sample.KIND], ids=lambda kind: kind.name)
async def test_a_run_by_hand_asks_for_attention_at_once(app, context, kind):
    app.pages["/"] = (500, "broken", {})
    written = {"checks": [{}]} if kind is KIND else {"samples": 1}
    given = kind.params.model_validate(written | {"fail_after": 3})
    scheduled, by_hand = context(), replace(context(run=2), by_hand=True)

    assert (await kind.run(scheduled, given)).judged() is Status.OK
    assert (await kind.run(by_hand, given)).judged() is Status.ATTENTION


async def test_each_check_that_does_not_hold_says_what_it_got(app, context):
    app.pages |= {"/health": page(HEALTH | {"database": "down"}), "/openapi.json": page({"info": {"title": "Other"}})}
    checks = example(KIND).model_copy(update={"fail_after": 1})

    outcome = await KIND.run(context(), checks)

    since = "(since 2026-11-22T03:04:05Z)"
    assert outcome.judged() is Status.ATTENTION
    assert outcome.summary == '0 of 3 checks hold; health: json database is "down", expected "gcp_firestore"'
    assert outcome.findings == tuple(
        Finding(severity="error", subject=name, message=f"{message} {since}", remedy=LOOK)
        for name, message in [
            ("health", 'json database is "down", expected "gcp_firestore"'),
            ("docs", "status is 404, expected 200"),
            (
                "openapi",
                'size is 28 bytes (28 B), expected at least 10001; json info.title is "Other", expected "OMTX-Hub API"',
            ),
        ]
    )


async def test_a_blip_is_mentioned_and_three_in_a_row_are_an_alarm_for_that_check_alone(app, context):
    memory, statuses, subjects = {}, [], []
    for run, (one, two) in enumerate([(500, 200), (200, 500), (500, 200), (500, 500), (500, 200)], start=1):
        app.pages |= {"/one": (one, "", {}), "/two": (two, "", {})}
        outcome = await KIND.run(context(memory, run=run), params({"path": "/one"}, {"path": "/two"}))
        statuses.append(outcome.judged())
        subjects.append([(finding.subject, finding.severity) for finding in outcome.findings])

    assert statuses == [Status.OK] * 4 + [Status.ATTENTION]
    assert subjects == [
        [("/one", "info")],
        [("/two", "info")],
        [("/one", "info")],
        [("/one", "info"), ("/two", "info")],
        [("/one", "error")],
    ]


async def test_a_recovery_is_said_once(app, context):
    memory, seen = {}, []
    for run, status in enumerate([500, 200, 200, 200], start=1):
        app.pages["/"] = (status, "", {})
        outcome = await KIND.run(context(memory, run=run), params({"path": "/"}, fail_after=1))
        seen.append((outcome.judged(), [finding.message for finding in outcome.findings]))

    since = "was bad since 2026-11-22T03:04:05Z"
    assert seen == [
        (Status.ATTENTION, ["status is 500, expected 200 (since 2026-11-22T03:04:05Z)"]),
        (Status.ATTENTION, [f"good again, 1 of 2 runs in a row; {since}"]),
        (Status.OK, [f"recovered; {since}"]),
        (Status.OK, []),
    ]


async def test_a_check_that_was_taken_out_is_forgotten(app, context):
    memory = {}
    app.pages["/b"] = (200, "", {})
    await KIND.run(context(memory), params({"path": "/gone"}, {"path": "/b"}))

    await KIND.run(context(memory, run=2), params({"path": "/b"}))

    assert memory == {}


async def test_a_dead_application_is_a_finding_and_not_a_failure(context):
    down = {"url": "http://127.0.0.1:1/", "name": "down"}

    outcome = await KIND.run(context(), params(down, fail_after=1))

    assert (outcome.judged(), outcome.metrics["failed_checks"], outcome.metrics["up"]) == (Status.ATTENTION, 1, 0)
    assert outcome.findings[0].message.startswith("connection refused by 127.0.0.1:1 after ")


async def test_a_refused_address_refuses_the_run_and_the_other_checks_are_still_asked(app, context):
    app.pages["/"] = (500, "", {})
    metadata = {"name": "meta", "url": "http://169.254.169.254/"}
    ctx = context()

    outcome = await KIND.run(ctx, params(metadata, {"path": "/"}, fail_after=1))

    assert outcome.judged() is Status.REFUSED
    assert [(finding.subject, finding.severity) for finding in outcome.findings] == [("meta", "error"), ("/", "error")]
    assert "a link-local address, where cloud metadata lives" in outcome.findings[0].message
    assert (app.asked, list(ctx.memory["streaks"])) == (["GET /"], ["/"])


async def test_loopback_is_refused_outside_the_sandbox(app, context):
    outcome = await KIND.run(context(guard=Guard()), params({"path": "/"}))

    assert (outcome.judged(), app.asked) == (Status.REFUSED, [])


async def test_a_redirect_is_a_status_unless_it_is_to_be_followed(app, context):
    app.pages |= {"/old": (302, "", {"Location": "/new"}), "/new": (200, "new", {})}
    stay = {"name": "stay", "path": "/old", "expect": {"status": 302, "headers": {"location": "/new"}}}
    go = {"name": "go", "path": "/old", "max_redirects": 1, "expect": {"contains": "new"}}

    outcome = await KIND.run(context(), params(stay, go))

    assert (outcome.summary, app.asked) == ("2 of 2 checks hold", ["GET /old", "GET /old", "GET /new"])


async def test_a_posted_question_arrives_with_its_headers(app, context):
    async def echo(request):
        return web.json_response({"got": await request.json(), "tenant": request.headers["X-Tenant"]})

    app.pages["/ask"] = echo
    check = {
        "path": "/ask",
        "method": "POST",
        "headers": {"X-Tenant": "t1", "Content-Type": "application/json"},
        "body": '{"q": 1}',
        "expect": {"json": {"got.q": 1, "tenant": "t1"}},
    }

    assert (await KIND.run(context(), params(check))).summary == "1 of 1 checks hold"


async def test_a_body_over_the_cap_is_said_and_not_guessed(app, context):
    app.pages["/"] = page(HEALTH | {"z": "x" * 5000})
    check = {"path": "/", "max_body": 100, "expect": {"json": {"status": "healthy"}}}

    outcome = await KIND.run(context(), params(check, fail_after=1))

    assert "more than is kept, so its JSON cannot be judged; raise max_body" in outcome.summary


async def test_a_slow_answer_is_told_by_the_time_it_took(app, context):
    async def slow(_request):
        await asyncio.sleep(0.1)
        return web.Response()

    app.pages["/"] = slow

    outcome = await KIND.run(context(), params({"path": "/", "expect": {"max_time": "50ms"}}))

    assert outcome.metrics["slowest_seconds"] >= 0.1
    assert outcome.summary.endswith(", expected at most 50ms")


async def test_no_body_and_no_query_gets_into_the_record(app, context):
    app.pages["/"] = page({"token": {"s3cret": "s3cret"}, "list": ["s3cret"]})
    check = {"url": f"{app.url}/?s3cret", "expect": {"json": {"token": 1, "list": 2}, "contains": "absent"}}

    outcome = await KIND.run(context(), params(check, fail_after=1))

    assert outcome.metrics["failed_checks"] == 1
    assert "s3cret" not in outcome.model_dump_json()


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ([], "at least 1 item"),
        ([{"path": "/a"}] * 2, "2 checks are called /a; give each a name of its own"),
        ([{"name": "x", "path": "/a"}, {"name": "x", "path": "/b"}], "2 checks are called x"),
        ([{"path": "/a", "body": "x"}], "a body is sent with POST, not with GET"),
        ([{"path": "/a", "method": "DELETE"}], "Input should be 'GET', 'HEAD', 'OPTIONS' or 'POST'"),
        ([{"path": "/a", "expects": {}}], "Extra inputs are not permitted"),
        ([{"path": "/a", "max_body": "16Mi"}], "less than or equal to 8388608"),
    ],
)
def test_what_cannot_be_meant_is_refused(checks, words):
    with pytest.raises(ValidationError) as refused:
        params(*checks)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("checks", "why"),
    [
        ([{"path": "/a"}, {"path": "/b", "url": "http://x/"}], "check /b: write path or url, not both"),
        (
            [{"path": f"/{n}"} for n in range(31)],
            "a run takes 5m10s when nothing answers, and has 5m; lower the timeouts",
        ),
    ],
)
def test_what_cannot_work_on_this_target_is_said_when_the_file_is_read(checks, why):
    assert KIND.check(params(*checks), Target(url="http://a.b.svc")).startswith(why)


@pytest.mark.parametrize("module", [http_check, latency_sample])
def test_the_example_in_the_manual_is_valid(module):
    assert module.KIND.check(example(module.KIND), Target(url="http://a.b.svc")) is None


@pytest.mark.parametrize("module", [http_check, latency_sample])
def test_every_parameter_is_described(module):
    schema = module.KIND.params.model_json_schema()

    undescribed = [
        (name, field)
        for name, model in {"": schema, **schema["$defs"]}.items()
        for field, said in model.get("properties", {}).items()
        if not said.get("description")
    ]

    assert undescribed == []
