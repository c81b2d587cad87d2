"""What an answer should be: which condition does not hold, and what was found instead."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from maintd.core.ports import HttpSample
from maintd.objects.conditions import Expect, unmet

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HEALTH = {"status": "healthy", "database": "gcp_firestore", "pods": 3, "ready": True, "load": 0.5, "last_error": None}


def sample(body: bytes = b"", **known: object) -> HttpSample:
    facts = {"size": len(body), "headers": {"content-type": "application/json", "set-cookie": "id=s3cret"}}
    return HttpSample(NOW, 200, "", 0.01, 0.02, None, 0.1, 0.4, body=body, **(facts | known))


def missed(expect: dict, found: HttpSample) -> list[str]:
    return unmet(Expect.model_validate(expect), found, NOW)


HEALTHY = sample(json.dumps(HEALTH).encode())


@pytest.mark.parametrize(
    "expect",
    [
        {},
        {"status": 200},
        {"status": [204, 200]},
        {"contains": "healthy"},
        {"contains": '"pods": 3'},
        {"min_size": 10, "max_size": "1Ki"},
        {"min_size": HEALTHY.size, "max_size": HEALTHY.size},
        {"json": HEALTH},
        {"json": {"pods": 3.0}},
        {"headers": {"Content-Type": "json"}},
        {"max_time": "400ms"},
        {"status": 200, "contains": "gcp", "json": {"status": "healthy"}, "max_time": "1s"},
    ],
)
def test_what_holds_is_not_mentioned(expect):
    assert missed(expect, HEALTHY) == []


@pytest.mark.parametrize(
    ("expect", "found", "words"),
    [
        ({}, replace(HEALTHY, status=503), "status is 503, expected 200"),
        ({"status": [200, 204]}, replace(HEALTHY, status=302), "status is 302, expected 200 or 204"),
        ({"contains": "sick"}, HEALTHY, '"sick" is not in the body'),
        ({"min_size": 10001}, sample(b"x" * 300), "size is 300 bytes (300 B), expected at least 10001"),
        ({"max_size": 10}, sample(b"x" * 2048), "size is 2048 bytes (2.0 KiB), expected at most 10"),
        ({"json": {"status": "ok"}}, HEALTHY, 'json status is "healthy", expected "ok"'),
        ({"json": {"pods": "3"}}, HEALTHY, 'json pods is 3, expected "3"'),
        ({"json": {"pods": True}}, sample(b'{"pods": 1}'), "json pods is 1, expected true"),
        ({"json": {"ready": 1}}, HEALTHY, "json ready is true, expected 1"),
        ({"json": {"last_error": False}}, HEALTHY, "json last_error is null, expected false"),
        ({"json": {"a.b": 1}}, sample(b'{"a": {"c": 1}}'), "json a.b: 'a' has no 'b', expected 1"),
        ({"json": {"a": 1}}, sample(b'{"a": {"secret": "s3cret"}}'), "json a is an object, expected 1"),
        ({"json": {"a": 1}}, sample(b'{"a": ["s3cret"]}'), "json a is a list of 1, expected 1"),
        ({"json": {"a": 1}}, sample(b"[1]"), "json a: the document is a list of 1 and has no 'a', expected 1"),
        ({"headers": {"X-Pod": "web"}}, HEALTHY, 'header X-Pod is missing, expected "web"'),
        (
            {"headers": {"Content-Type": "html"}},
            HEALTHY,
            'header Content-Type is "application/json", expected "html"',
        ),
        ({"headers": {"Set-Cookie": "x"}}, HEALTHY, 'header Set-Cookie is something else, expected "x"'),
        ({"max_time": "399ms"}, HEALTHY, "took 400ms, expected at most 399ms"),
        ({"certificate_days": 14}, HEALTHY, "there is no certificate, since the answer came without TLS"),
        (
            {"certificate_days": 14},
            replace(HEALTHY, certificate_expires=NOW + timedelta(days=13, hours=23)),
            "the certificate expires on 2026-12-06, in 13 days, expected at least 14",
        ),
    ],
)
def test_what_does_not_hold_is_named_with_what_was_found(expect, found, words):
    assert missed(expect, found) == [words]


def test_a_certificate_with_days_enough_holds():
    assert missed({"certificate_days": 14}, replace(HEALTHY, certificate_expires=NOW + timedelta(days=14))) == []


def test_every_condition_that_does_not_hold_is_named():
    expect = {"contains": "no", "json": {"status": "no", "pods": 0}, "max_time": "1ms"}

    assert len(missed(expect, replace(HEALTHY, status=500))) == 5


def test_without_an_answer_the_reason_is_all_there_is_to_say():
    dead = HttpSample(NOW, None, "connection refused by 10.0.0.1:80 after 3ms", None, None, None, None, None)

    assert missed({"json": {"a": 1}, "min_size": 5}, dead) == ["connection refused by 10.0.0.1:80 after 3ms"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>healthy</html>",
        b'{"status": ',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"nope",
    ],
)
def test_what_is_not_json_is_said_and_not_raised(body):
    [words] = missed({"json": {"status": "healthy"}}, sample(body))

    assert words.startswith("the body is not JSON that can be read (")
    assert words.endswith(", 'application/json')")


def test_a_body_beyond_the_cap_is_never_guessed_at():
    cut = sample(b'{"status": "healthy"', size=70_000)

    assert missed({"json": {"status": "healthy"}}, cut) == [
        "the body is 68.4 KiB, more than is kept, so its JSON cannot be judged; raise max_body"
    ]
    assert missed({"contains": "storage"}, cut) == ['"storage" is not in the first 20 B of 68.4 KiB; raise max_body']
    assert missed({"contains": "healthy", "min_size": 70_000, "max_size": 70_000}, cut) == []


def test_a_body_in_a_coding_nobody_asked_for_is_not_judged():
    packed = sample(b"\x1f\x8bhealthy", headers={"content-encoding": "gzip"})

    assert missed({"contains": "healthy", "json": {"a": 1}}, packed) == [
        "the body is 'gzip'-encoded though that was not asked for, so it cannot be judged"
    ]
    assert missed({"min_size": 5}, packed) == []


def test_a_quoted_value_is_short_and_has_no_control_characters():
    long = sample(json.dumps({"a": "\x1b[31m\u202e" + "x" * 5000}).encode())

    [words] = missed({"json": {"a": "y"}}, long)

    assert len(words) < 120
    assert words.isascii() or "…" in words
    assert words.isprintable()


@pytest.mark.parametrize(
    ("expect", "where"),
    [
        ({"status": 20}, ("status",)),
        ({"status": "2xx"}, ("status",)),
        ({"json": {"a..b": 1}}, ("json",)),
        ({"json": {"a": [1]}}, ("json",)),
        ({"min_size": 10, "max_size": 5}, ()),
        ({"min_size": "10 KB"}, ("min_size",)),
        ({"max_time": 1}, ("max_time",)),
        ({"certificate_days": 0}, ("certificate_days",)),
        ({"contains": ""}, ("contains",)),
        ({"stauts": 200}, ("stauts",)),
        ({"values": {"a": 1}}, ("values",)),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(expect, where):
    with pytest.raises(ValidationError) as refused:
        Expect.model_validate(expect)

    assert all(error["loc"][: len(where)] == where for error in refused.value.errors())


def test_conditions_are_written_back_as_they_were_read():
    written = {"json": {"a": True, "b": 1, "c": "1", "d": None, "e": 1.5}, "max_time": "1s"}

    read = Expect.model_validate(written).model_dump(mode="json", exclude_unset=True)

    assert json.dumps(read) == json.dumps(written)
