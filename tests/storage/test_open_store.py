"""From MAINTD_STORAGE to a store."""

from pathlib import Path

import pytest

from maintd.core.errors import ConfigError
from maintd.storage.open import open_store


def test_the_folder_is_the_path_of_the_url_with_one_folder_a_cluster(tmp_path):
    assert open_store(f"file://{tmp_path}/my%20store", "demo").url("a") == f"file://{tmp_path}/my%20store/demo/a"


def test_a_folder_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert open_store("file://.maintd/store", "demo").url("a") == f"file://{tmp_path}/.maintd/store/demo/a"


def test_opening_writes_nothing(tmp_path):
    open_store(f"file://{tmp_path}/store", "demo")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("gs://bucket/prefix", "buckets are not supported yet; use file:///folder"),
        ("/var/lib/maintd", "not the URL of a store; write file:///folder"),
        ("s3://bucket", "not the URL of a store; write file:///folder"),
        ("", "not the URL of a store; write file:///folder"),
        ("file://", "names no folder; write file:///folder, its path in full"),
        ("file://~/store", "names no folder; write file:///folder, its path in full"),
        ("file:///a%00b", "names no folder; write file:///folder, its path in full"),
    ],
)
def test_what_is_no_store_is_refused_with_what_to_write(url, message):
    with pytest.raises(ConfigError, match=f"^MAINTD_STORAGE=.*{message}$"):
        open_store(url, "demo")


@pytest.mark.parametrize("cluster", ["", "..", "a/../b", "a\nb"])
def test_a_cluster_that_would_lead_out_of_the_folder_is_refused(cluster, tmp_path):
    with pytest.raises(ConfigError, match=r"^MAINTD_CLUSTER=.* cannot be the name of a folder"):
        open_store(f"file://{Path(tmp_path)}", cluster)
