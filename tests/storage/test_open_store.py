"""From MAINTD_STORAGE to a store."""

from pathlib import Path

import pytest

from maintd.core.errors import ConfigError
from maintd.storage.open import check_emulator, open_store, state_folder


def test_the_folder_is_the_path_of_the_url_with_one_folder_a_cluster(tmp_path):
    assert open_store(f"file://{tmp_path}/my%20store", "demo").url("a") == f"file://{tmp_path}/my%20store/demo/a"


def test_a_folder_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert open_store("file://.maintd/store", "demo").url("a") == f"file://{tmp_path}/.maintd/store/demo/a"


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("gs://bucket", "gs://bucket/demo/"),
        ("gs://bucket/", "gs://bucket/demo/"),
        ("gs://my.bucket_1/some/pre-fix/", "gs://my.bucket_1/some/pre-fix/demo/"),
    ],
)
def test_a_bucket_has_a_folder_a_cluster_below_its_prefix(url, root):
    assert open_store(url, "demo").url("") == root


def test_state_lies_in_the_stores_folder_or_beside_the_work_where_that_is_a_bucket():
    assert state_folder("file:///store", "demo") == Path("/store/demo/state")
    assert state_folder("gs://bucket/prefix", "demo") == Path(".maintd/state/demo")


def test_opening_writes_nothing(tmp_path):
    open_store(f"file://{tmp_path}/store", "demo")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs://", "no bucket can be called ''; write gs://bucket/prefix"),
        ("gs://Bucket", "no bucket can be called 'Bucket'; write gs://bucket/prefix"),
        ("gs://my bucket/a", "no bucket can be called 'my bucket'; write gs://bucket/prefix"),
        ("gs://ab", "no bucket can be called 'ab'; write gs://bucket/prefix"),
        ("gs://a..b", "no bucket can be called 'a..b'; write gs://bucket/prefix"),
        ("gs://google-backups", "no bucket can be called 'google-backups'; write gs://bucket/prefix"),
        ("gs://bucket//", "'/' is no prefix; write gs://bucket/prefix, .*"),
        ("gs://bucket/a/../b", "'a/../b' is no prefix; write gs://bucket/prefix, .*"),
        ("gs://bucket/a*", r"'a\*' is no prefix; write gs://bucket/prefix, .*"),
        ("/var/lib/maintd", "not the URL of a store; write gs://bucket/prefix or file:///folder"),
        ("s3://bucket", "not the URL of a store; write gs://bucket/prefix or file:///folder"),
        ("", "not the URL of a store; write gs://bucket/prefix or file:///folder"),
        ("file://", "names no folder; write file:///folder, its path in full"),
        ("file://~/store", "names no folder; write file:///folder, its path in full"),
        ("file:///a%00b", "names no folder; write file:///folder, its path in full"),
    ],
)
def test_what_is_no_store_is_refused_with_what_to_write(url, message):
    with pytest.raises(ConfigError, match=f"^MAINTD_STORAGE=.*{message}$"):
        open_store(url, "demo")


@pytest.mark.parametrize(
    ("variable", "allowed"),
    [
        ("", ""),
        ("127.0.0.1:4443", "127.0.0.1:4443"),
        ("http://127.0.0.1:4443/", "127.0.0.1:4443"),
        ("http://127.0.0.1:4443", "http://127.0.0.1:4443"),
    ],
)
def test_an_emulator_that_is_allowed_by_name_is_no_mistake(variable, allowed, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", variable)

    check_emulator(allowed)


@pytest.mark.parametrize("allowed", ["", "true", "127.0.0.1", "127.0.0.1:4444", "localhost:4443"])
def test_any_other_emulator_is_a_mistake_that_says_what_to_write(allowed, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:4443")

    with pytest.raises(ConfigError, match=r"allow this very server: MAINTD_ALLOW_STORAGE_EMULATOR=127\.0\.0\.1:4443$"):
        check_emulator(allowed)


@pytest.mark.parametrize("cluster", ["", "..", "a/../b", "a\nb"])
@pytest.mark.parametrize("store", ["file:///store", "gs://bucket", "gs://bucket/prefix"])
def test_a_cluster_that_would_lead_out_of_the_folder_is_refused(cluster, store):
    with pytest.raises(ConfigError, match=r"^MAINTD_CLUSTER=.* cannot be the name of a folder"):
        open_store(store, cluster)
