"""latency-sample, with real requests and a real store."""

import asyncio
import json
from datetime import timedelta

import pytest
from aiohttp import web
from pydantic import ValidationError

from maintd.core.errors import Refused
from maintd.core.outcome import Status
from maintd.core.target import Target
from maintd.kinds.observe.latency_sample import KIND
from maintd.probe.guard import Guard
from maintd.storage.folder import FolderStore

QUICK = {"samples": 3, "spacing": "0s"}


def params(**known):
    return KIND.params.model_validate(QUICK | known)


async def slow(_request):
    await asyncio.sleep(0.05)
    return web.Response(text="fine")


async def test_a_good_run_is_ok_and_keeps_its_samples(app, context, tmp_path):
    app.pages["/health"] = slow
    ctx = context()

    outcome = await KIND.run(ctx, params(path="/health"))

    path = "samples/web/2026-11-22/030405Z-abc001.ndjson"
    assert (outcome.judged(), outcome.findings, outcome.artifacts) == (Status.OK, (), (path,))
    assert outcome.summary.endswith("; 0 of 3 samples failed")
    lines = [json.loads(line) for line in (tmp_path / "test" / path).read_text().splitlines()]
    assert [set(line) for line in lines] == [
        {
            "format",
            "run_id",
            "url",
            "at",
            "status",
            "error",
            "dns_seconds",
            "connect_seconds",
            "tls_seconds",
            "first_byte_seconds",
            "total_seconds",
            "size",
            "peer",
            "redirects",
        }
    ] * 3
    assert {(line["run_id"], line["url"], line["status"], line["size"], line["peer"]) for line in lines} == {
        (ctx.run_id, f"{app.url}/health", 200, 4, "127.0.0.1")
    }
    assert all(0.05 <= line["first_byte_seconds"] <= line["total_seconds"] for line in lines)
    assert ctx.memory == {}


async def test_figures_are_those_of_the_samples(app, context, tmp_path):
    app.pages["/"] = slow

    outcome = await KIND.run(context(), params(samples=4))

    [path] = outcome.artifacts
    lines = [json.loads(line) for line in (tmp_path / "test" / path).read_text().splitlines()]
    total = sorted(line["total_seconds"] for line in lines)
    assert outcome.metrics == pytest.approx(
        {
            "up": 1,
            "samples": 4,
            "error_ratio": 0,
            "p50_seconds": total[1],
            "p95_seconds": total[3],
            "p99_seconds": total[3],
            "total_median_seconds": total[1],
            **{
                f"{phase}_median_seconds": sorted(line[f"{phase}_seconds"] for line in lines)[1]
                for phase in ("dns", "connect", "first_byte")
            },
        },
        abs=1e-5,
    )


async def test_a_missed_slo_is_an_alarm_from_the_third_run_on_and_its_end_is_said_once(app, context):
    memory, seen = {}, []
    for run, page in enumerate([slow, slow, slow, slow, "good", "good", "good"], start=1):
        app.pages["/"] = page if callable(page) else (200, "fine", {})
        outcome = await KIND.run(context(memory, run=run), params(slo={"p95": "40ms" if callable(page) else "9s"}))
        seen.append((outcome.judged(), [finding.message for finding in outcome.findings]))

    statuses = [status for status, _ in seen]
    messages = [message for _, found in seen for message in found]
    assert statuses == [Status.OK] * 2 + [Status.ATTENTION] * 3 + [Status.OK] * 2
    assert messages[0].startswith("p95 ")
    assert " is over 40ms (first byte " in messages[0]
    assert messages[1].endswith("(2 of 3 runs in a row before it asks for attention)")
    assert messages[3].endswith("(since 2026-11-22T03:04:05Z)")
    assert messages[4:] == [
        "good again, 1 of 2 runs in a row; was bad since 2026-11-22T03:04:05Z",
        "recovered; was bad since 2026-11-22T03:04:05Z",
    ]
    assert memory == {}


async def test_errors_over_the_rate_miss_the_slo_and_under_it_do_not(app, context):
    count = iter(range(100))

    async def flaky(_request):
        return web.Response(status=503 if next(count) % 4 == 0 else 200)

    app.pages["/"] = flaky
    strict = await KIND.run(context(), params(samples=4, fail_after=1, slo={"error_rate": "24%"}))
    lax = await KIND.run(context(run=2), params(samples=4, fail_after=1, slo={"error_rate": "25%"}))

    assert [(finding.severity, finding.message) for finding in strict.findings] == [
        ("error", "1 of 4 samples failed, more than 24%: status 503 (since 2026-11-22T03:04:05Z)")
    ]
    assert strict.findings[0].remedy.startswith("kubectl -n shop get pods; ")
    assert (strict.metrics["error_ratio"], lax.judged(), lax.findings) == (0.25, Status.OK, ())


async def test_errors_do_not_make_the_times_look_good(app, context):
    count = iter(range(100))

    async def half_dead(request):
        return web.Response(status=500) if next(count) % 2 else await slow(request)

    app.pages["/"] = half_dead

    outcome = await KIND.run(context(), params(samples=4, fail_after=1, slo={"p50": "40ms", "error_rate": "100%"}))

    assert outcome.metrics["p50_seconds"] >= 0.05
    assert [finding.message.split()[0] for finding in outcome.findings] == ["p50"]


async def test_no_answer_at_all_misses_any_slo(app, context):
    app.pages["/"] = (500, "", {})

    outcome = await KIND.run(context(), params(fail_after=1, slo={"error_rate": "100%"}))

    assert (outcome.judged(), outcome.summary) == (Status.ATTENTION, "3 of 3 samples failed: status 500")
    assert outcome.metrics == {"up": 0, "samples": 3, "error_ratio": 1}


async def test_no_slo_written_is_one_second_and_five_percent():
    assert KIND.params().model_dump(mode="json")["slo"] == {"p50": None, "p95": "1s", "p99": None, "error_rate": "5%"}
    assert params(slo={"p99": "2s"}).slo.p95 is None


async def test_a_store_that_fails_hides_neither_itself_nor_the_application(app, context, tmp_path):
    app.pages["/"] = (503, "", {})
    (tmp_path / "test").write_text("a file where the folder should be")
    ctx = context()

    outcome = await KIND.run(ctx, params(fail_after=1))

    assert (outcome.judged(), outcome.artifacts) == (Status.PARTIAL, ())
    assert [finding.subject for finding in outcome.findings] == [f"{app.url}", "store"]
    assert outcome.findings[1].message.startswith("the samples are lost: ")
    assert list(ctx.memory["streaks"]) == [app.url]


async def test_two_runs_in_one_second_keep_their_samples_apart(app, context):
    first, second = context(), context()
    object.__setattr__(second, "run_id", "20261122T030405Z-web-xyz")

    outcomes = [await KIND.run(ctx, params()) for ctx in (first, second)]

    store = first.store
    assert isinstance(store, FolderStore)
    assert [name async for name in store.names("samples/")] == sorted(o.artifacts[0] for o in outcomes)


async def test_neither_body_nor_headers_nor_query_are_kept(app, context, tmp_path):
    app.pages["/"] = (200, "s3cret-body", {"X-Token": "s3cret-header"})

    outcome = await KIND.run(context(), params(url=f"{app.url}/?token=s3cret-query", headers={"X-Ask": "s3cret-ask"}))

    kept = (tmp_path / "test" / outcome.artifacts[0]).read_text()
    assert "s3cret" not in kept + outcome.model_dump_json()
    assert app.asked == ["GET /?token=s3cret-query"] * 3


async def test_a_refused_address_refuses_the_run(app, context):
    with pytest.raises(Refused, match="a loopback address"):
        await KIND.run(context(guard=Guard()), params())

    assert app.asked == []


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"samples": 50, "spacing": "0s"}, "a run takes 8m20s when nothing answers, and has 5m; lower samples"),
        ({"samples": 50, "timeout": "1s", "spacing": "10s"}, "a run takes 9m when nothing answers"),
        ({"path": "/a", "url": "http://a/"}, "write path or url, not both"),
    ],
)
def test_what_could_never_end_in_time_is_refused_when_the_file_is_read(written, why):
    assert KIND.check(KIND.params.model_validate(written), Target(url="http://a.b.svc")).startswith(why)


def test_params_that_can_work_pass():
    assert KIND.check(params(path="/health"), Target(url="http://a.b.svc")) is None
    assert KIND.check(params(), Target()).startswith("there is no URL to ask")


@pytest.mark.parametrize("written", [{"samples": 0}, {"samples": 51}, {"spacing": "2m"}, {"slo": {"p90": "1s"}}])
def test_what_cannot_be_meant_is_refused(written):
    with pytest.raises(ValidationError):
        params(**written)


async def test_samples_are_spaced(app, context):
    app.pages["/"] = (200, "", {})
    began = asyncio.get_running_loop().time()

    await KIND.run(context(), params(samples=3, spacing="60ms"))

    assert asyncio.get_running_loop().time() - began >= 0.12


def test_it_observes():
    assert (KIND.name, KIND.level, KIND.rules(params(), Target())) == ("latency-sample", 0, ())
    assert KIND.timeout == timedelta(minutes=5)
