"""Ask URLs and check that the answers are what they should be.

Each check asks one URL (the target's, with `path` below it, or a whole `url`) and compares the answer with what it
`expect`s; all that is written there must hold, and where nothing is written the status is 200:

- `status`: 200, or a list of those that are fine
- `contains`: text in the body
- `json`: values in a JSON body by their path: `info.title`, `items[0].id`, `labels["app.kubernetes.io/name"]`
- `min_size`, `max_size`: bytes of the body
- `headers`: text in a header of the answer
- `max_time`: the whole answer is there within this time
- `certificate_days`: the certificate is valid for so many days more

Redirects are answers like any other unless `max_redirects` says how many to follow. Of a body `max_body` (1Mi) is
kept; a condition that would need the rest does not hold, and says so. Loopback, link-local and cloud metadata
addresses are refused, and so are credentials in `headers`: jobs.yaml is no place for secrets.

A check that does not hold asks for attention once it did not in `fail_after` runs in a row (3), and says so once it
is over: after `ok_after` good runs in a row (2). Before that it is mentioned and the run is ok. Each check counts
for itself. A run by hand asks for attention at once, and does not count.

Example:

    - name: backend-health
      kind: http-check
      every: 1m
      params:
        checks:
          - name: health
            path: /health
            expect:
              json: {status: healthy, database: gcp_firestore, storage: gcp_cloud_storage}
              max_time: 1s
          - name: docs
            path: /docs
          - name: openapi
            path: /openapi.json
            expect: {min_size: 10001, json: {info.title: OMTX-Hub API}}
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field, field_validator

from maintd.core.errors import Refused
from maintd.core.kind import Context, Kind
from maintd.core.outcome import Finding, Outcome, Status
from maintd.core.ports import HttpSample
from maintd.core.target import Target
from maintd.objects.checks import Check
from maintd.objects.conditions import unmet
from maintd.objects.endpoints import certificate_metric, next_step, overlong
from maintd.objects.streaks import Patience, Streaks


class HttpCheck(Patience):
    """What is asked, and how soon trouble is an alarm."""

    checks: tuple[Check, ...] = Field(min_length=1, max_length=50, description="Asked one after another.")

    @field_validator("checks")
    @classmethod
    def _told_apart(cls, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        label, times = Counter(check.label for check in checks).most_common(1)[0]
        if times > 1:
            raise ValueError(f"{times} checks are called {label}; give each a name of its own")
        return checks


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of one check; `sample` is None where asking was refused."""

    label: str
    url: str
    trouble: str
    sample: HttpSample | None


async def run(ctx: Context, params: HttpCheck) -> Outcome:
    """Ask every URL, whatever became of the one before."""
    answers = [await _asked(ctx, check) for check in params.checks]
    streaks = Streaks(ctx.memory, params, ctx.now(), by_hand=ctx.by_hand)
    streaks.only([answer.label for answer in answers])
    bad = [answer for answer in answers if answer.trouble]
    first = f"; {bad[0].label}: {bad[0].trouble}" if bad else ""
    return Outcome(
        f"{len(answers) - len(bad)} of {len(answers)} checks hold{first}",
        status=Status.REFUSED if any(answer.sample is None for answer in answers) else None,
        findings=tuple(finding for answer in answers if (finding := _judged(ctx, streaks, answer))),
        metrics=_metrics(answers),
    )


async def _asked(ctx: Context, check: Check) -> _Answer:
    url = check.address(ctx.target)
    try:
        sample = await ctx.http.sample(check.asked(url))
    except Refused as error:
        return _Answer(check.label, url, str(error), None)
    return _Answer(check.label, url, "; ".join(unmet(check.expect, sample, ctx.now())), sample)


def _judged(ctx: Context, streaks: Streaks, answer: _Answer) -> Finding | None:
    if answer.sample is None:  # a mistake in jobs.yaml or in DNS: nothing to wait for
        return Finding(severity="error", subject=answer.label, message=answer.trouble)
    return streaks.judge(answer.label, answer.trouble, next_step(ctx.target, answer.url, answer.sample))


def _metrics(answers: Sequence[_Answer]) -> dict[str, float]:
    samples = [answer.sample for answer in answers if answer.sample]
    figures = {
        "up": float(any(sample.status for sample in samples)),
        "checks": float(len(answers)),
        "failed_checks": float(sum(bool(answer.trouble) for answer in answers)),
    }
    figures |= {"slowest_seconds": max(sample.total_seconds or 0.0 for sample in samples)} if samples else {}
    return figures | certificate_metric(samples)


def _check(params: HttpCheck, target: Target) -> str | None:
    for check in params.checks:
        if fault := check.fault(target):
            return f"check {check.label}: {fault}"
    longest = sum((check.timeout for check in params.checks), timedelta())
    return overlong(longest, KIND.timeout, "lower the timeouts, or make two jobs of it") or None


KIND = Kind(HttpCheck, run, level=0, check=_check)
