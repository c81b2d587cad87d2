"""Quantiles, and the way to a value in JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintd.objects.jsonpath import look_up, steps
from maintd.objects.quantiles import nearest_rank

seconds = st.floats(0, 60, allow_nan=False)


@given(st.lists(seconds, min_size=1, max_size=60), st.integers(1, 100))
def test_a_quantile_is_the_smallest_value_that_so_many_percent_do_not_exceed(values, percent):
    """The definition, tried out on every value; no percentage is ever rounded."""
    enough = [value for value in values if 100 * sum(other <= value for other in values) >= percent * len(values)]

    assert nearest_rank(values, percent) == min(enough)


@pytest.mark.parametrize(
    ("count", "percent", "rank"),
    [
        (1, 50, 1),
        (2, 50, 1),
        (5, 50, 3),
        (5, 95, 5),
        (19, 95, 19),
        (20, 95, 19),
        (50, 95, 48),
        (50, 99, 50),
        (100, 99, 99),
        (100, 7, 7),
    ],
)
def test_known_ranks(count, percent, rank):
    assert nearest_rank(range(count, 0, -1), percent) == rank


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_no_quantile_of_nothing(values, percent):
    with pytest.raises(ValueError):
        nearest_rank(values, percent)


DOCUMENT = {
    "status": "healthy",
    "info": {"title": "OMTX-Hub API", "none": None},
    "items": [{"id": 7}, [1, 2]],
    "labels": {"app.kubernetes.io/name": "web", "a b": 1},
    "7": "seven",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status", "healthy"),
        (".info.title", "OMTX-Hub API"),
        ("info.none", None),
        ("items[0].id", 7),
        ("items.0.id", 7),
        ("items[1][1]", 2),
        ('labels["app.kubernetes.io/name"]', "web"),
        ('["labels"]["a b"]', 1),
        ("7", "seven"),
        ("items", DOCUMENT["items"]),
    ],
)
def test_a_path_leads_to_its_value(path, value):
    assert look_up(DOCUMENT, path) == value


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("database", "the document has no 'database'"),
        ("info.version", "'info' has no 'version'"),
        ("items[2]", "'items' is a list of 2 and has no '2'"),
        ("items.first", "'items' is a list of 2 and has no 'first'"),
        ("status.code", "'status' is neither an object nor a list, so it has no 'code'"),
        ("info.none.x", "'none' is neither an object nor a list, so it has no 'x'"),
    ],
)
def test_a_path_that_ends_early_says_where(path, why):
    with pytest.raises(LookupError) as lost:
        look_up(DOCUMENT, path)

    assert str(lost.value) == why


@pytest.mark.parametrize(
    "path", ["", ".", "a..b", "a.", "a[", "a[]", "a[-1]", "a[x]", "a b", 'a["', "[a]", "a[0]b", "a[0"]
)
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(ValueError, match="is not a path; write it like"):
        steps(path)


@given(st.lists(st.text("abcXYZ019_-/$", min_size=1), min_size=1, max_size=6))
def test_dotted_and_quoted_spellings_mean_the_same(names):
    assert steps(".".join(names)) == steps("".join(f'["{name}"]' for name in names)) == tuple(names)
