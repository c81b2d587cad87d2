"""Properties of the plan, over random clusters and limits: what may be tried, and what never."""

from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from maintd.core.errors import Refused
from maintd.core.limits import Limits
from maintd.rails.plan import plan
from maintd.rails.ticket import Ticket

ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "maintd.dev/protect": st.sampled_from(["true", "false", "False", "", "nonsense"]),
        "maintd.dev/keep-until": st.sampled_from(["2026-11-21", "2026-11-22", "2027-01-01", "soon"]),
        "example.com/other": st.just("x"),
    },
)
PODS = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.integers(-5, 60),
            "namespace": st.sampled_from(["shop", "default", "shop-2", "kube-system", "gke-x", "maintd"]),
            "annotations": st.just({}) | ANNOTATIONS,
            "deleting": st.sampled_from([False, False, False, True]),
        }
    ),
    min_size=4,
    max_size=30,
)
LIMITS = st.builds(
    Limits,
    max_count=st.integers(1, 6),
    abort_over=st.none() | st.none() | st.integers(0, 15) | st.integers(0, 100).map(lambda share: f"{share}%"),
    min_age=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=24)]),
)


def untouchable(pod, limits):
    """The never-list once more, by someone else's reading of the design."""
    notes = pod["annotations"]
    made_hours_ago = pod["hours"] + 1
    return (
        pod["namespace"] in ("kube-system", "gke-x", "maintd")
        or notes.get("maintd.dev/protect", "false").lower() != "false"
        or notes.get("maintd.dev/keep-until", "2026-11-21") != "2026-11-21"
        or pod["deleting"]
        or made_hours_ago < limits.min_age / timedelta(hours=1)
        or made_hours_ago < 0
    )


@settings(max_examples=200, derandomize=True)
@given(pods=PODS, limits=LIMITS, spare=st.integers(0, 40))
def test_never_more_than_allowed_never_what_is_protected_always_the_oldest(wish, now, pods, limits, spare):
    tickets = []
    for number, pod in enumerate(pods):
        going = {"deletionTimestamp": "2026-11-22T02:00:00Z"} if pod["deleting"] else {}
        more = {"annotations": pod["annotations"], **going}
        tickets.append(Ticket(wish(f"p{number}", hours=pod["hours"], namespace=pod["namespace"], **more)))
    free = [ticket for ticket, pod in zip(tickets, pods, strict=True) if not untouchable(pod, limits)]
    population = len(pods) + spare
    ceiling = limits.ceiling(population)

    try:
        chosen = plan(tickets, limits, population=population, now=now, own_namespace="maintd")
    except Refused:
        assert ceiling is not None
        assert len(free) > ceiling
        assert not any(ticket.result for ticket in free)
        return

    event("left" if len(free) > limits.max_count else "all")
    assert ceiling is None or len(free) <= ceiling
    assert len(chosen) == min(len(free), limits.max_count)
    assert {id(ticket) for ticket in chosen} <= {id(ticket) for ticket in free}
    left = [ticket for ticket in free if ticket.result == "left"]
    assert len(left) + len(chosen) == len(free)
    assert all(old.wish.since <= young.wish.since for old in chosen for young in left)
    assert all((ticket.result == "kept") == (ticket not in free) for ticket in tickets)
    assert all(ticket.reason for ticket in tickets if ticket.result)
