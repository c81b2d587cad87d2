"""What a handful of samples say about how fast something answers, and whether that is good enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from maintd.core.kind import Params
from maintd.core.ports import HttpSample
from maintd.core.resource import Json
from maintd.core.text import elapsed
from maintd.core.units import Duration, Percent, format_duration
from maintd.objects.endpoints import certificate_metric
from maintd.objects.quantiles import nearest_rank

PHASES = ("dns", "connect", "tls", "first_byte", "total")
_QUANTILES = (50, 95, 99)


class Slo(Params):
    """What is good enough; a time that is not written is not judged."""

    p50: Duration | None = Field(default=None, description="Half of the answers are there within this time.")
    p95: Duration | None = Field(default=None, description="95% of the answers are there within this time.")
    p99: Duration | None = Field(default=None, description="99% of the answers are there within this time.")
    error_rate: Percent = Field(default=5.0, description="At most this share of the samples may fail.")


@dataclass(frozen=True)
class Latency:
    """The samples of one run, at least one."""

    samples: Sequence[HttpSample]

    @property
    def good(self) -> list[HttpSample]:
        """Those with an answer below status 400; only they have a time worth judging."""
        return [sample for sample in self.samples if not fault(sample)]

    @property
    def last_failed(self) -> HttpSample | None:
        """The last of the others, if there is one."""
        return next((sample for sample in reversed(self.samples) if fault(sample)), None)

    @property
    def faults(self) -> list[str]:
        """Why the others failed, in order."""
        return [why for sample in self.samples if (why := fault(sample))]

    def times(self, phase: str) -> list[float]:
        """Seconds from the start to the end of this phase, of the good samples that have it."""
        found = [getattr(sample, f"{phase}_seconds") for sample in self.good]
        return [seconds for seconds in found if seconds is not None]

    def misses(self, slo: Slo) -> Iterator[str]:
        """How the SLO is missed. Samples that all failed miss any SLO: no time is known."""
        failed, faults = f"{len(self.faults)} of {len(self.samples)} samples failed", self.faults
        if not self.good:
            yield f"{failed}: {faults[-1]}"
            return
        if 100 * len(faults) > slo.error_rate * len(self.samples):
            yield f"{failed}, more than {slo.error_rate:g}%: {faults[-1]}"
        for percent, limit in zip(_QUANTILES, (slo.p50, slo.p95, slo.p99), strict=True):
            total, first = (nearest_rank(self.times(phase), percent) for phase in ("total", "first_byte"))
            if limit is not None and total > limit.total_seconds():
                yield f"p{percent} {elapsed(total)} is over {format_duration(limit)} (first byte {elapsed(first)})"

    def metrics(self) -> dict[str, float]:
        """Quantiles of the whole time, the median of each phase, the share that failed, the certificate's end."""
        figures = {"up": float(bool(self.good)), "samples": float(len(self.samples))}
        figures["error_ratio"] = len(self.faults) / len(self.samples)
        if self.good:
            figures |= {f"p{percent}_seconds": nearest_rank(self.times("total"), percent) for percent in _QUANTILES}
            medians = {phase: nearest_rank(times, 50) for phase in PHASES if (times := self.times(phase))}
            figures |= {f"{phase}_median_seconds": seconds for phase, seconds in medians.items()}
        return figures | certificate_metric(self.samples)

    def summary(self) -> str:
        """`p50 101ms, p95 112ms, p99 112ms; 0 of 5 samples failed`."""
        total = self.times("total")
        times = ", ".join(f"p{percent} {elapsed(nearest_rank(total, percent))}" for percent in _QUANTILES if total)
        failed = f"{len(self.faults)} of {len(self.samples)} samples failed"
        return f"{times}; {failed}" if times else f"{failed}: {self.faults[-1]}"


def fault(sample: HttpSample) -> str:
    """Why the sample failed, or an empty string."""
    return f"status {sample.status}" if (sample.status or 0) >= 400 else sample.error


def record(sample: HttpSample) -> Json:
    """What is kept of a sample: times and outcome, no header and no body."""
    times = {f"{phase}_seconds": getattr(sample, f"{phase}_seconds") for phase in PHASES}
    return {
        "at": sample.at.isoformat(timespec="milliseconds"),
        "status": sample.status,
        "error": sample.error,
        **{name: seconds if seconds is None else round(seconds, 6) for name, seconds in times.items()},
        "size": sample.size,
        "peer": sample.peer,
        "redirects": sample.redirects,
    }
