"""Which finished pods nobody needs any more, and by which rule."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maintd.core.errors import Unreadable
from maintd.core.outcome import Change, Considered, tally
from maintd.core.ports import Deletion
from maintd.core.resource import PODS, Json, ObjectRef
from maintd.core.text import counted
from maintd.core.units import format_duration
from maintd.objects.fields import mapping
from maintd.objects.metadata import deletion, reference
from maintd.objects.owners import Controller, controller_of
from maintd.objects.pods import Finish, finished, phase, reason

_NOT_MEANT = frozenset({"Pending", "Running", "Succeeded", "Failed"})
_DONE_WITH_FINISHED_PODS = {("apps", "ReplicaSet"), ("", "ReplicationController")}
"""Their controllers make new pods and never look at finished ones again."""
_REPLACES_FAILED_PODS = {("apps", "DaemonSet"), ("apps", "StatefulSet")}
"""Their controllers delete a failed pod themselves, when they are ready to replace it."""
_JOB = ("batch", "Job")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which finished pods a job is about."""

    phases: Collection[str]
    reasons: Collection[str]
    older_than: timedelta
    labelled: Callable[[Mapping[str, str]], bool] = lambda _: True

    def means(self, pod: Json) -> bool:
        """Whether it has the labels that are asked for; one whose labels cannot be read stays as it is."""
        try:
            return self.labelled(mapping(mapping(pod, "metadata"), "labels"))
        except Unreadable:
            return False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What shall become of one finished pod: without a wish it stays. `job` may still have a say."""

    object: ObjectRef
    rule: str
    wish: Deletion | None = None
    job: Controller | None = None

    def considered(self, change: Change | None) -> Considered:
        """As the record has it, once it is known what became of the wish: a rail may have kept what could go."""
        if change is not None and change.result in ("kept", "left"):
            return Considered(object=self.object, decision="keep", rule=change.reason)
        return Considered(object=self.object, decision="delete" if self.wish else "keep", rule=self.rule)


def judged(pod: Json, wanted: Wanted, now: datetime) -> Verdict | None:
    """The verdict on a pod; None for one whose phase is not meant. A pod that cannot be read is kept."""
    try:
        if phase(pod) in _NOT_MEANT.difference(wanted.phases):
            return None
        return _judged(pod, wanted, now)
    except Unreadable as error:
        return Verdict(_named(pod), f"cannot be read, so it stays: {error}")


def settled(verdict: Verdict, finished_jobs: Collection[str]) -> Verdict:
    """The verdict once it is known which Jobs (by uid) have finished; of any other nothing is known."""
    if verdict.wish is None or verdict.job is None:
        return verdict
    if verdict.job.uid not in finished_jobs:
        return Verdict(verdict.object, f"left to {verdict.job}, which is not known to have finished")
    rule = f"{verdict.rule}; its {verdict.job} has finished"
    return replace(verdict, rule=rule, wish=replace(verdict.wish, rule=rule))


def said(changes: Sequence[Change]) -> str:
    """What became of the pods: `deleted 5 pods, 1 kept`."""
    counts = tally(changes)
    would, did = counts.pop("planned", 0), counts.pop("done", 0)
    first = f"would delete {counted(would, 'pod')}" if would else f"deleted {counted(did, 'pod')}"
    return ", ".join(
        [first if would or did else "no pod to delete", *(f"{n:,} {r}" for r, n in sorted(counts.items()))]
    )


def _judged(pod: Json, wanted: Wanted, now: datetime) -> Verdict:
    controller, finish = controller_of(pod), finished(pod)
    stays = _not_wanted(pod, wanted) or _not_ours(controller) or _not_old_enough(finish, wanted, now)
    if stays or finish is None:
        return Verdict(reference(PODS, pod), stays)
    rule = f"{_age(finish, now)}, older than {format_duration(wanted.older_than)}"
    wish = deletion(PODS, pod, since=finish.at, rule=rule)
    job = controller if controller and (controller.group, controller.kind) == _JOB else None
    return Verdict(wish.object, rule, wish, job)


def _not_wanted(pod: Json, wanted: Wanted) -> str:
    if not phase(pod):
        return "it has no phase, so nothing tells whether it finished"
    if phase(pod) not in wanted.phases:
        return f"its phase is {phase(pod)[:40]!r}, so it has not finished for certain"
    if wanted.reasons and reason(pod).casefold() not in {name.casefold() for name in wanted.reasons}:
        return f"its reason is {reason(pod) or 'not given'}, not {' or '.join(wanted.reasons)}"
    return ""


def _not_ours(controller: Controller | None) -> str:
    if controller is None or (controller.group, controller.kind) in _DONE_WITH_FINISHED_PODS | {_JOB}:
        return ""
    if (controller.group, controller.kind) in _REPLACES_FAILED_PODS:
        return f"left to {controller}, whose controller replaces failed pods itself"
    return f"left to {controller}, which may still need it"


def _not_old_enough(finish: Finish | None, wanted: Wanted, now: datetime) -> str:
    if finish is None:
        return "nothing tells when it finished: no finishedAt, no condition transition, no startTime"
    if finish.at > now:
        return f"finished at {finish.at:%Y-%m-%dT%H:%M:%SZ} ({finish.source}), in the API server's future"
    if now - finish.at < wanted.older_than:
        return f"{_age(finish, now)}, not older than {format_duration(wanted.older_than)}"
    return ""


def _age(finish: Finish, now: datetime) -> str:
    age = now - finish.at
    step = timedelta(minutes=1) if age >= timedelta(hours=1) else timedelta(seconds=1)
    return f"finished {format_duration(age - age % step)} ago ({finish.source})"


def _named(pod: Json) -> ObjectRef:
    metadata = pod.get("metadata")
    found = metadata if isinstance(metadata, dict) else {}
    return ObjectRef(
        resource=PODS.name,
        namespace=str(found.get("namespace") or ""),
        name=str(found.get("name") or "(without a name)"),
        uid=str(found.get("uid") or ""),
    )
