"""What an answer over HTTP is expected to be, and where it is not."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from maintd.core.kind import Params
from maintd.core.ports import HttpSample
from maintd.core.text import elapsed, sized
from maintd.core.units import Duration, Quantity, format_duration
from maintd.objects.jsonpath import look_up, steps

Scalar = str | int | float | bool | None
_SECRET_HEADERS = {"set-cookie", "set-cookie2", "authorization", "proxy-authorization", "www-authenticate"}
_QUOTED = 80


def _path(path: str) -> str:
    steps(path)
    return path


JsonPath = Annotated[str, Field(max_length=256), AfterValidator(_path)]
StatusCode = Annotated[int, Field(ge=100, le=599)]


class Expect(Params):
    """What must hold of an answer; everything that is written must hold."""

    # A field called json would hide a method of the base class, so the key is an alias, in and out.
    model_config = ConfigDict(serialize_by_alias=True)

    status: StatusCode | tuple[StatusCode, ...] = Field(
        default=200, description="The status, or a list of those that are fine."
    )
    contains: str | None = Field(
        default=None, min_length=1, max_length=4096, description="Text that the body holds, byte for byte in UTF-8."
    )
    min_size: Quantity | None = Field(default=None, ge=1, description="The body has at least so many bytes.")
    max_size: Quantity | None = Field(default=None, ge=0, description="The body has at most so many bytes.")
    values: dict[JsonPath, Scalar] = Field(
        default_factory=dict,
        alias="json",
        max_length=50,
        description="Path to value in a JSON body: info.title, items[0].id. Text and numbers are told apart.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict, max_length=20, description="Text that each of these headers of the answer holds."
    )
    max_time: Duration | None = Field(
        default=None, gt=timedelta(0), description="The whole answer is there within this time."
    )
    certificate_days: int | None = Field(
        default=None, ge=1, le=825, description="The certificate is valid for at least so many days more."
    )

    @model_validator(mode="after")
    def _sizes_in_order(self) -> "Expect":
        if self.min_size is not None and self.max_size is not None and self.min_size > self.max_size:
            raise ValueError("min_size is larger than max_size: nothing could ever hold")
        return self

    @property
    def reads_body(self) -> bool:
        """True where more than the size of the body matters."""
        return self.contains is not None or bool(self.values)


def unmet(expect: Expect, sample: HttpSample, now: datetime) -> list[str]:
    """Each condition that does not hold, with what was found instead; bodies are never quoted."""
    if sample.error:
        return [sample.error]
    return [
        *_status(expect, sample),
        *_sizes(expect, sample),
        *_body(expect, sample),
        *_headers(expect, sample),
        *_time(expect, sample),
        *_certificate(expect, sample, now),
    ]


def _status(expect: Expect, sample: HttpSample) -> Iterator[str]:
    fine = expect.status if isinstance(expect.status, tuple) else (expect.status,)
    if sample.status not in fine:
        yield f"status is {sample.status}, expected {' or '.join(map(str, fine))}"


def _sizes(expect: Expect, sample: HttpSample) -> Iterator[str]:
    found = f"size is {sample.size} bytes ({sized(sample.size)})"
    if expect.min_size is not None and sample.size < expect.min_size:
        yield f"{found}, expected at least {expect.min_size}"
    if expect.max_size is not None and sample.size > expect.max_size:
        yield f"{found}, expected at most {expect.max_size}"


def _body(expect: Expect, sample: HttpSample) -> Iterator[str]:
    if not expect.reads_body:
        return
    encoding = sample.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        yield f"the body is {encoding[:20]!r}-encoded though that was not asked for, so it cannot be judged"
        return
    if expect.contains is not None and expect.contains.encode() not in sample.body:
        whole = sample.size == len(sample.body)
        where = "the body" if whole else f"the first {sized(len(sample.body))} of {sized(sample.size)}; raise max_body"
        yield f"{json.dumps(expect.contains[:_QUOTED])} is not in {where}"
    if expect.values:
        yield from _values(expect, sample)


def _values(expect: Expect, sample: HttpSample) -> Iterator[str]:
    if sample.size > len(sample.body):
        yield f"the body is {sized(sample.size)}, more than is kept, so its JSON cannot be judged; raise max_body"
        return
    try:
        document = json.loads(sample.body)
    except (ValueError, RecursionError):
        kind = sample.headers.get("content-type", "no content-type")
        yield f"the body is not JSON that can be read ({sized(sample.size)}, {kind[:_QUOTED]!r})"
        return
    for path, wanted in expect.values.items():
        try:
            found = look_up(document, path)
        except LookupError as error:
            yield f"json {path}: {error}, expected {_quoted(wanted)}"
            continue
        if not _same(found, wanted):
            yield f"json {path} is {_quoted(found)}, expected {_quoted(wanted)}"


def _same(found: Any, wanted: Scalar) -> bool:
    # To Python True is 1; in JSON they are two different values.
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _quoted(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    text = json.dumps(value if not isinstance(value, str) else value[: _QUOTED + 1])
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


def _headers(expect: Expect, sample: HttpSample) -> Iterator[str]:
    for name, wanted in expect.headers.items():
        found = sample.headers.get(name.lower())
        if found is None:
            yield f"header {name} is missing, expected {_quoted(wanted)}"
        elif wanted not in found:
            got = "something else" if name.lower() in _SECRET_HEADERS else _quoted(found)
            yield f"header {name} is {got}, expected {_quoted(wanted)}"


def _time(expect: Expect, sample: HttpSample) -> Iterator[str]:
    total = sample.total_seconds or 0.0
    if expect.max_time is not None and total > expect.max_time.total_seconds():
        yield f"took {elapsed(total)}, expected at most {format_duration(expect.max_time)}"


def _certificate(expect: Expect, sample: HttpSample, now: datetime) -> Iterator[str]:
    if expect.certificate_days is None:
        return
    if sample.certificate_expires is None:
        yield "there is no certificate, since the answer came without TLS"
        return
    left = sample.certificate_expires - now
    if left < timedelta(days=expect.certificate_days):
        day = f"{sample.certificate_expires:%Y-%m-%d}"
        yield f"the certificate expires on {day}, in {left.days} days, expected at least {expect.certificate_days}"
