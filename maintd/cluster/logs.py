"""The last lines of a container, as evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from maintd.cluster.addresses import object_path
from maintd.cluster.api import Api
from maintd.cluster.replies import Rejected, TooLarge
from maintd.cluster.request import Request
from maintd.core.errors import Missing, Transient
from maintd.core.resource import PODS
from maintd.core.rules import Rule

_READ = 1024 * 1024
"""Bytes asked for. `limitBytes` counts from the first of the tailed lines and so cuts off the last ones, which are
those that say why; so more is asked for than is kept, and the end is kept."""


async def tail(
    api: Api,
    namespace: str,
    pod: str,
    container: str,
    *,
    previous: bool = False,
    lines: int = 200,
    limit_bytes: int = 64 * 1024,
    timeout: timedelta = timedelta(seconds=5),
) -> str:
    """The last `lines` lines, at most the last `limit_bytes` of them, cut at a line.

    Raises Missing, Denied or Transient with words that fit after `log not available:`.
    """
    asked = max(_READ, limit_bytes)
    query = {"container": container, "tailLines": str(lines), "limitBytes": str(asked), "timestamps": "true"}
    request = Request(
        method="GET",
        path=object_path(PODS, namespace, pod, "log"),
        query=query | ({"previous": "true"} if previous else {}),
        accept="text/plain, application/json",
        repeatable=False,  # a node that is away stays away for the few seconds that a log may take
        needs=Rule("pods/log", "get", namespace=namespace),
        cap=2 * asked,
    )
    with _said(f"pod {namespace}/{pod}", container, previous):
        return _end(await api.text(request, timeout), limit_bytes)


@contextmanager
def _said(pod: str, container: str, previous: bool) -> Iterator[None]:
    """The transport's errors in the words of somebody who reads evidence."""
    try:
        yield
    except Missing:
        raise Missing(f"{pod} or its node is gone") from None
    except Rejected:
        which = (
            "no previous instance of it is kept" if previous else "it has not started, or the pod has none of that name"
        )
        raise Missing(f"container {container}: {which}") from None
    except TooLarge:
        raise Transient(f"container {container}: the node sent more than was asked for") from None
    except Transient as error:
        raise Transient(f"the node did not hand it out: {error}") from None


def _end(text: str, limit: int) -> str:
    raw = text.encode()
    if len(raw) <= limit:
        return text
    kept = raw[-limit:].decode(errors="ignore")
    return kept.partition("\n")[2] or kept
