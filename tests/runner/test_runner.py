"""One ring, one record: whatever a kind does, and whatever is in its way."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maintd.config.jobs import Retry
from maintd.core.errors import Denied, Refused, Transient
from maintd.core.outcome import Change, Finding, ObjectRef, Outcome
from maintd.scheduling import attempt as attempt_module
from maintd.scheduling.every import Every
from maintd.scheduling.pending import MOST_COUNTED, Due

DUE = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


async def fine(ctx, params):
    return Outcome("all well")


def raising(error):
    async def run(ctx, params):
        raise error

    return run


def gated(opened: asyncio.Event):
    async def run(ctx, params):
        await opened.wait()
        return Outcome("done")

    return run


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


ENDINGS = [
    (fine, "ok", "all well"),
    (raising(Denied("may not list pods")), "failed", "may not list pods"),
    (raising(Transient("reset by peer")), "failed", "reset by peer"),
    (raising(Refused("over the limit")), "refused", "over the limit"),
    (raising(ValueError("a bug")), "crashed", "ValueError: a bug"),
    (raising(SystemExit(3)), "crashed", "SystemExit: 3"),
    (raising(KeyboardInterrupt()), "crashed", "raised KeyboardInterrupt"),
    (raising(asyncio.CancelledError()), "interrupted", "stopped from outside"),
    (raising(TimeoutError("inner")), "crashed", "TimeoutError: inner"),
]


@pytest.mark.parametrize(("run", "status", "said"), ENDINGS)
async def test_every_ending_is_one_record_with_one_status(house, run, status, said):
    record = await house.run(house.job(run))

    assert (record.status, house.sink.statuses()) == (status, [status])
    assert said in record.summary
    assert bool(record.traceback) is (status == "crashed")


async def test_a_kind_that_returns_no_outcome_is_a_crash_and_not_a_success(house):
    async def nothing(ctx, params):
        return None

    assert (await house.run(house.job(nothing))).status == "crashed"


async def test_findings_make_attention_and_changes_that_failed_make_partial(house):
    pod = ObjectRef(resource="pods", namespace="a", name="b")
    done, failed = (Change(object=pod, verb="delete", result=result) for result in ("done", "failed"))
    cases = {
        "attention": Outcome("slow", findings=(Finding(subject="url", message="p95 2 s over 1 s"),)),
        "partial": Outcome("some", changes=(done, failed)),
        "failed": Outcome("none", changes=(failed,)),
        "ok": Outcome("note", findings=(Finding(severity="info", subject="url", message="slow but in its limits"),)),
    }
    for status, outcome in cases.items():

        async def run(ctx, params, outcome=outcome):
            return outcome

        assert (await house.run(house.job(run))).status == status


async def test_a_run_past_its_deadline_is_cancelled_and_awaited(house):
    cleaned = asyncio.Event()

    async def slow(ctx, params):
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            cleaned.set()

    record = await house.run(house.job(slow, timeout=timedelta(seconds=0.05)))

    assert record.status == "timed-out"
    assert "deadline of 50ms" in record.summary
    assert cleaned.is_set()


async def test_a_kind_that_will_not_stop_keeps_its_job_busy_and_nobody_elses(house, monkeypatch):
    monkeypatch.setattr(attempt_module, "LINGER_SECONDS", 0.05)
    let_go = asyncio.Event()

    async def stubborn(ctx, params):
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return Outcome("late")

    job = house.job(stubborn, timeout=timedelta(seconds=0.05))
    first = await house.run(job)
    second = await house.run(job)
    other = await house.run(house.job(fine, name="other"))
    let_go.set()
    await settle()
    third = await house.run(house.job(fine))

    assert [r.status for r in (first, second, other, third)] == ["timed-out", "skipped", "ok", "ok"]
    assert second.in_the_way == first.run_id


async def test_a_transient_failure_is_tried_again_inside_the_deadline(house):
    tries = []

    async def shaky(ctx, params):
        tries.append(ctx.run_id)
        if len(tries) < 3:
            raise Transient("reset by peer")
        return Outcome("third time lucky")

    job = house.job(shaky, retry=Retry.model_construct(attempts=3, backoff=timedelta(milliseconds=5)))
    record = await house.run(job)

    assert (record.status, record.attempts, len(set(tries))) == ("ok", 3, 1)


async def test_no_retry_starts_that_the_deadline_would_cut_off(house):
    job = house.job(
        raising(Transient("busy", retry_after=timedelta(minutes=1))),
        retry=Retry.model_construct(attempts=5, backoff=timedelta(milliseconds=5)),
    )
    record = await house.run(job)

    assert (record.status, record.attempts) == ("failed", 1)


async def test_what_is_not_transient_is_not_tried_again(house):
    job = house.job(raising(Denied("no")), retry=Retry.model_construct(attempts=5, backoff=timedelta(milliseconds=5)))

    assert (await house.run(job)).attempts == 1


async def test_a_job_still_running_is_skipped_not_doubled(house):
    opened = asyncio.Event()
    job = house.job(gated(opened))
    house.ring(job)
    await settle()
    house.ring(job, DUE + timedelta(minutes=1))
    await settle()
    opened.set()

    skipped, ran = await house.records(2)
    assert (skipped.status, ran.status) == ("skipped", "ok")
    assert skipped.in_the_way == ran.run_id
    assert ran.run_id in skipped.summary
    assert house.runner.running() == {}


async def test_overlap_queue_keeps_one_place_and_skips_the_rest(house):
    opened = asyncio.Event()
    job = house.job(gated(opened), overlap="queue")
    for minute in range(3):
        house.ring(job, DUE + timedelta(minutes=minute))
        await settle()
    opened.set()
    by_due = {run.due.minute: run for run in await house.records(3)}

    assert [by_due[minute].status for minute in range(3)] == ["ok", "ok", "skipped"]
    assert by_due[2].in_the_way == by_due[1].run_id


async def test_jobs_over_max_running_wait_their_turn_and_say_so(house):
    opened, running, most = asyncio.Event(), 0, 0

    async def counted(ctx, params):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await opened.wait()
        running -= 1
        return Outcome("done")

    for number in range(5):
        house.ring(house.job(counted, name=f"job-{number}"))
    await asyncio.sleep(0.05)
    assert len(house.sink.begun) == 2
    opened.set()
    await house.records(5)

    assert most == 2
    assert house.sink.statuses() == ["ok"] * 5
    assert [waited >= 0.05 for waited in sorted(run.waited_seconds for run in house.sink.runs)[-3:]] == [True] * 3


async def test_a_run_that_starts_after_its_start_deadline_is_missed(house):
    job = house.job(fine, start_deadline=timedelta(minutes=1))
    house.ring(job)
    await house.records(1)

    assert house.sink.statuses() == ["missed"]
    assert "start_deadline of 1m" in house.sink.runs[0].summary
    assert house.sink.begun == []


async def test_due_instants_that_were_folded_into_one_ring_are_a_missed_record_with_their_count(house):
    house.runner.ring(house.job(fine), Due("tidy", DUE, 7, DUE - timedelta(minutes=5)))

    missed, ran = sorted(await house.records(2), key=lambda run: run.status)
    assert (missed.status, missed.count, ran.status) == ("missed", 6, "ok")
    assert missed.run_id != ran.run_id


async def test_of_so_many_that_they_were_not_all_counted_it_is_said_that_there_may_be_more(house):
    house.runner.ring(house.job(fine), Due("tidy", DUE, MOST_COUNTED, DUE - timedelta(minutes=5)))

    missed, _ = sorted(await house.records(2), key=lambda run: run.status)
    assert missed.summary.startswith("999 or more due instants before")


async def test_a_drain_starts_nothing_waits_for_what_runs_and_interrupts_what_does_not_end(house):
    opened, never = asyncio.Event(), asyncio.Event()
    house.ring(house.job(gated(opened), name="quick", overlap="queue"))
    house.ring(house.job(gated(never), name="endless"))
    house.ring(house.job(fine, name="waits"))
    await settle()
    house.ring(house.job(fine, name="quick", overlap="queue"))
    await settle()
    asyncio.get_running_loop().call_later(0.02, opened.set)
    await house.runner.drain(0.1)
    assert ("endless", "interrupted") in [(run.job, str(run.status)) for run in house.sink.runs]
    house.ring(house.job(fine, name="after"))
    await settle()
    await house.runner.drain(0)

    found = sorted((run.job, str(run.status)) for run in house.sink.runs)
    assert found == [
        ("after", "missed"),
        ("endless", "interrupted"),
        ("quick", "missed"),
        ("quick", "ok"),
        ("waits", "missed"),
    ]
    assert len(house.sink.begun) == 2


async def test_a_store_that_refuses_the_record_changes_no_status(house):
    house.sink.refuse = "disk full"

    assert (await house.run(house.job(fine))).status == "ok"


async def test_what_waits_when_the_drain_begins_is_recorded_at_once_and_not_after_the_grace(house):
    never = asyncio.Event()
    for name in ("one", "two", "waits"):
        house.ring(house.job(gated(never), name=name))
    await settle()
    draining = asyncio.create_task(house.runner.drain(60))
    (missed,) = await house.records(1)
    never.set()
    await draining

    assert (missed.job, missed.status) == ("waits", "missed")


async def test_what_a_kind_remembers_is_there_in_its_next_run(house):
    async def counting(ctx, params):
        ctx.memory["runs"] = ctx.memory.get("runs", 0) + 1
        return Outcome(f"run {ctx.memory['runs']}")

    job = house.job(counting)
    summaries = [(await house.run(job)).summary for _ in range(3)]

    assert summaries == ["run 1", "run 2", "run 3"]
    assert [run.summary for run in house.state.of("tidy").last_runs] == ["run 3", "run 2", "run 1"]


@pytest.mark.parametrize("too_much", ["x" * 10_000, object()], ids=["too large", "no JSON"])
async def test_a_memory_that_is_no_json_or_too_large_is_not_kept_and_the_old_one_is(house, too_much):
    seen, things = [], ["small", too_much, "not reached"]

    async def hoarding(ctx, params):
        seen.append(ctx.memory.get("all"))
        ctx.memory["all"] = things.pop(0)
        return Outcome("hoards")

    for _ in range(3):
        await house.run(house.job(hoarding))

    assert seen == [None, "small", "small"]


async def test_failures_in_a_row_are_counted_and_a_skip_does_not_end_the_row(house):
    bad, good = house.job(raising(Denied("no"))), house.job(fine)
    for job in (bad, bad):
        await house.run(job)
    late = house.job(fine, start_deadline=timedelta(minutes=1))
    house.ring(late)
    await settle()
    assert house.state.of("tidy").consecutive_failures == 2
    await house.run(good)
    assert house.state.of("tidy").consecutive_failures == 0


async def test_a_run_by_hand_is_listed_and_changes_nothing_that_the_scheduled_runs_count(house):
    seen = []

    async def counting(ctx, params):
        seen.append((ctx.by_hand, ctx.memory.get("runs")))
        ctx.memory["runs"] = ctx.memory.get("runs", 0) + 1
        raise Denied("no")

    job = house.job(counting, schedule=Every(timedelta(hours=1), "tidy"))
    house.ring(job)
    await house.records(1)
    before = house.state.of("tidy")
    bad, good = await house.run(job), await house.run(replace(job, kind=house.job(fine).kind))
    after = house.state.of("tidy")

    assert [run.run_id for run in after.last_runs] == [good.run_id, bad.run_id, before.last_runs[0].run_id]
    assert after.model_copy(update={"last_runs": before.last_runs}) == before
    assert (before.consecutive_failures, before.memory, before.last_success) == (1, {"runs": 1}, None)
    assert seen == [(False, None), (True, 1)]


async def test_a_job_that_only_runs_by_hand_counts_its_runs_by_hand(house):
    bad = house.job(raising(Denied("no")))
    await house.run(bad)
    await house.run(bad)

    assert house.state.of("tidy").consecutive_failures == 2


async def test_an_acting_run_is_in_the_home_when_it_ends_and_an_observers_waits_for_the_flush(house):
    await house.run(house.job(fine, name="looks"))
    assert not (house.folder / "state.json").exists()
    await house.run(house.job(fine, name="acts", level=1))
    assert set((await house.state._home.load())[0]) == {"acts", "looks"}
