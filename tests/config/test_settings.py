"""The environment: what it may say, what Kubernetes puts there unasked, and what is a mistake."""

from datetime import timedelta
from pathlib import Path

import pytest

from maintd.config.settings import Settings, read_settings
from maintd.core.errors import ConfigError

DEFAULTS = {
    "jobs_file": Path("jobs.yaml"),
    "storage": "file://.maintd/store",
    "cluster": "default",
    "http_address": "127.0.0.1:8080",
    "log_level": "info",
    "log_format": "auto",
    "namespace": "maintd",
    "state_namespace": None,
    "kube_context": "",
    "gke_endpoint": "",
    "grace": timedelta(seconds=25),
    "lease": timedelta(seconds=15),
    "spool": Path(".maintd/spool"),
    "spool_limit": 64 * 1024 * 1024,
    "allow_storage_emulator": "",
    "failpoints": "",
    "replicas": 1,
}


def test_without_any_variable_every_setting_has_its_default() -> None:
    assert dict(read_settings()) == DEFAULTS


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("JOBS_FILE", "/etc/maintd/jobs.yaml", "jobs_file", Path("/etc/maintd/jobs.yaml")),
        ("STORAGE", "file:///var/lib/maintd", "storage", "file:///var/lib/maintd"),
        ("CLUSTER", "shop-prod.1", "cluster", "shop-prod.1"),
        ("HTTP_ADDRESS", "0.0.0.0:0", "http_address", "0.0.0.0:0"),
        ("LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("LOG_FORMAT", "Json", "log_format", "json"),
        ("NAMESPACE", "ops", "namespace", "ops"),
        ("STATE_NAMESPACE", "ops", "state_namespace", "ops"),
        ("KUBE_CONTEXT", "gke_a_b_c", "kube_context", "gke_a_b_c"),
        ("GKE_ENDPOINT", "[::1]:8443", "gke_endpoint", "[::1]:8443"),
        ("SPOOL", "/var/spool/maintd", "spool", Path("/var/spool/maintd")),
        ("SPOOL_LIMIT", "1Gi", "spool_limit", 1024**3),
        ("ALLOW_STORAGE_EMULATOR", "127.0.0.1:4443", "allow_storage_emulator", "127.0.0.1:4443"),
        ("GRACE", "1m30s", "grace", timedelta(seconds=90)),
        ("GRACE", "0s", "grace", timedelta(0)),
        ("LEASE", "5s", "lease", timedelta(seconds=5)),
        ("LOG_LEVEL", "", "log_level", "info"),
        ("STATE_NAMESPACE", "", "state_namespace", None),
    ],
)
def test_a_variable_sets_its_setting_and_an_empty_one_leaves_the_default(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(f"MAINTD_{name}", value)

    assert getattr(read_settings(), field) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CLUSTER", "a/b", "'a/b' cannot name a folder; use at most 63 letters, digits, dots and hyphens"),
        ("CLUSTER", "..", "'..' cannot name a folder; use at most 63 letters, digits, dots and hyphens"),
        ("CLUSTER", "x" * 64, f"'{'x' * 64}' cannot name a folder; use at most 63 letters, digits, dots and hyphens"),
        ("LOG_LEVEL", "verbose", "must be one of debug, info, warning, error, not 'verbose'"),
        ("LOG_LEVEL", "warn", "must be one of debug, info, warning, error, not 'warn'; did you mean warning?"),
        ("LOG_FORMAT", "text", "must be one of auto, json, console, not 'text'"),
        ("NAMESPACE", "Ops", "'Ops' is not a DNS label; use at most 63 lower-case letters, digits and hyphens"),
        ("STATE_NAMESPACE", "a b", "'a b' is not a DNS label; use at most 63 lower-case letters, digits and hyphens"),
        (
            "GKE_ENDPOINT",
            "container.googleapis.com",
            "'container.googleapis.com' is not an address; write it like container.googleapis.com:443",
        ),
        ("GRACE", "30", "'30' is not a duration; write it like 30s, 5m, 1h30m or 2d"),
        ("GRACE", "-5s", "'-5s' is not a duration; write it like 30s, 5m, 1h30m or 2d"),
        ("GRACE", "2h", "must be at most 1h, not '2h'"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"MAINTD_{name}", value)

    with pytest.raises(ConfigError) as refused:
        read_settings()

    assert str(refused.value) == f"MAINTD_{name}: {message}"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("MAINTD_STORGE", "did you mean MAINTD_STORAGE?"),
        ("MAINTD_JOBSFILE", "did you mean MAINTD_JOBS_FILE?"),
        ("MAINTD_LOGLEVEL", "did you mean MAINTD_LOG_LEVEL?"),
        ("maintd_http_adress", "did you mean MAINTD_HTTP_ADDRESS?"),
        ("MAINTD_", "unset it"),
        ("MAINTD__STORAGE", "did you mean MAINTD_STORAGE?"),
        ("MAINTD_QUEUE", "unset it"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, remedy: str) -> None:
    monkeypatch.setenv(name, "x")

    with pytest.raises(ConfigError) as refused:
        read_settings()

    assert str(refused.value) == f"{name}: there is no such setting; {remedy}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAINTD_SERVICE_HOST", "10.0.0.7"),
        ("MAINTD_SERVICE_PORT", "8080"),
        ("MAINTD_SERVICE_PORT_HTTP", "8080"),
        ("MAINTD_PORT", "tcp://10.0.0.7:8080"),
        ("MAINTD_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
        ("MAINTD_PORT_8080_TCP_PROTO", "tcp"),
        ("MAINTD_PORT_8080_TCP_PORT", "8080"),
        ("MAINTD_PORT_8080_TCP_ADDR", "10.0.0.7"),
        ("MAINTD_PORT_53_UDP", "udp://10.0.0.7:53"),
        ("MAINTD_PORT_36412_SCTP_ADDR", "fd00::7"),
        ("MAINTD_METRICS_SERVICE_HOST", "10.0.0.8"),
        ("MAINTD_METRICS_PORT", "tcp://[fd00::8]:9090"),
        ("MAINTD_STORAGE_PORT_80_TCP_ADDR", "10.0.0.9"),
    ],
)
def test_what_kubernetes_sets_for_a_service_named_maintd_is_no_mistake(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    assert read_settings() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAINTD_PORT", "8080"),
        ("MAINTD_PORT", "http://10.0.0.7"),
        ("MAINTD_PORT_8080_TCP", "yes"),
        ("MAINTD_SERVICE", "x"),
        ("MAINTD_SERVICE_NAME", "x"),
        ("MAINTD_PORT_HTTP_TCP_ADDR", "x"),
    ],
)
def test_what_only_looks_like_a_service_link_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError, match=f"^{name}: there is no such setting"):
        read_settings()


def test_everything_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"STORGE": "x", "LOG_LEVEL": "loud", "GRACE": "5", "AAA": "x"}.items():
        monkeypatch.setenv(f"MAINTD_{name}", value)

    with pytest.raises(ConfigError) as refused:
        read_settings()

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "MAINTD_AAA",
        "MAINTD_STORGE",
        "MAINTD_LOG_LEVEL",
        "MAINTD_GRACE",
    ]
