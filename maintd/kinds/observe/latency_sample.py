"""Measure how fast a URL answers, and keep the measurements.

Each run sends `samples` requests (GET, one after another, `spacing` apart, each over a new connection) and takes
libcurl's times, those of `curl -w`: name lookup, connection, TLS, first byte, total, each counted from the start.
Every sample becomes one line of JSON in the store, without headers or body:
`samples/<job>/<yyyy-mm-dd>/<hhmmssZ>-<nonce>.ndjson`.

A sample without an answer, or with a status of 400 and above, failed; it counts for `error_rate`, not for the
times. p50, p95 and p99 are nearest-rank: the smallest time that so many percent of the samples do not exceed, so
the p95 of fewer than 20 samples is the slowest of them. Unless the job says otherwise, `slo` is
`{p95: 1s, error_rate: 5%}`; a run in which every sample failed misses any SLO.

A run that misses the SLO asks for attention once `fail_after` runs in a row did (3), and says so once it is over:
after `ok_after` good runs in a row (2). Before that the miss is mentioned and the run is ok. A run by hand asks for
attention at once, and does not count. Where the store cannot be written, the run is partial. Loopback, link-local and
cloud metadata addresses are refused.

Example:

    - name: backend-latency
      kind: latency-sample
      every: 30s
      params:
        path: /health
        samples: 5
        slo: {p95: 1s, error_rate: 5%}
        fail_after: 3
"""

import asyncio
import json
from datetime import timedelta

from pydantic import Field

from maintd.core.errors import JobError
from maintd.core.kind import Context, Kind
from maintd.core.outcome import Finding, Outcome, Status
from maintd.core.target import Target
from maintd.core.units import Duration
from maintd.objects.endpoints import Endpoint, next_step, overlong, shown
from maintd.objects.latency import Latency, Slo, record
from maintd.objects.streaks import Patience, Streaks


class LatencySample(Endpoint, Patience):
    """What is asked how often, and what is good enough."""

    samples: int = Field(default=5, ge=1, le=50, description="Requests in one run.")
    spacing: Duration = Field(
        default=timedelta(milliseconds=200), le=timedelta(minutes=1), description="Pause between two requests."
    )
    slo: Slo = Field(default=Slo(p95=timedelta(seconds=1)), description="What is good enough.")


async def run(ctx: Context, params: LatencySample) -> Outcome:
    """Sample, compare with the SLO, keep the samples."""
    url = params.address(ctx.target)
    latency = await _sampled(ctx, params, url)
    streaks = Streaks(ctx.memory, params, ctx.now(), by_hand=ctx.by_hand)
    streaks.only([shown(url)])
    remedy = next_step(ctx.target, url, latency.last_failed)
    verdict = streaks.judge(shown(url), "; ".join(latency.misses(params.slo)), remedy)
    path = f"samples/{ctx.job}/{ctx.now():%Y-%m-%d/%H%M%SZ}-{ctx.run_id.rpartition('-')[2]}.ndjson"
    lost = await _keep(ctx, path, latency, shown(url))
    return Outcome(
        latency.summary(),
        status=Status.PARTIAL if lost else None,
        findings=tuple(finding for finding in (verdict, lost) if finding),
        metrics=latency.metrics(),
        artifacts=() if lost else (path,),
    )


async def _sampled(ctx: Context, params: LatencySample, url: str) -> Latency:
    request = params.request(url)
    samples = [await ctx.http.sample(request)]
    while len(samples) < params.samples:
        await asyncio.sleep(params.spacing.total_seconds())
        samples.append(await ctx.http.sample(request))
    return Latency(samples)


async def _keep(ctx: Context, path: str, latency: Latency, url: str) -> Finding | None:
    about = {"format": 1, "run_id": ctx.run_id, "url": url}
    lines = [json.dumps(about | record(sample)) + "\n" for sample in latency.samples]
    try:
        await ctx.store.create(path, "".join(lines).encode())
    except JobError as error:
        # What was measured is judged all the same: an outage of the store must not hide one of the application.
        return Finding(severity="error", subject="store", message=f"the samples are lost: {error}")
    return None


def _check(params: LatencySample, target: Target) -> str | None:
    longest = params.samples * params.timeout + (params.samples - 1) * params.spacing
    late = overlong(longest, KIND.timeout, "lower samples, timeout or spacing")
    return params.fault(target) or late or None


KIND = Kind(LatencySample, run, level=0, check=_check)
