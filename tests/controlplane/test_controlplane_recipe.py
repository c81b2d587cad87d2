"""The recipe of the control plane: what is missing is named, and nothing that is not ours is ended."""

import json
import subprocess
import sys
from pathlib import Path

RECIPE = Path(__file__).with_name("controlplane.py")
GO = "Go 1.25 or newer: https://go.dev/dl, or Debian's package golang-go where that is new enough"
SUITE = """
import pytest

@pytest.mark.cluster
def test_it(controlplane):
    assert controlplane.exists()
"""


def recipe(*arguments, **environment):
    return subprocess.run(
        [sys.executable, str(RECIPE), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_every_tool_that_is_missing_is_named_with_where_it_comes_from(tmp_path):
    done = recipe("check", PATH=str(tmp_path))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"go is missing; install it: {GO}",
        "openssl is missing; install it: Debian's package openssl",
        "jq is missing; install it: Debian's package jq",
        "ps is missing; install it: Debian's package procps",
        "kubectl is missing; install it: Debian's package kubernetes-client, or https://kubernetes.io/docs/tasks/tools",
        "promtool is missing; install it: Debian's package prometheus",
        "age is missing; install it: Debian's package age",
        "age-keygen is missing; install it: Debian's package age",
    ]


def test_one_tool_can_be_asked_for(tmp_path):
    done = recipe("check", "promtool", PATH=str(tmp_path))

    assert (done.returncode, done.stderr) == (1, "promtool is missing; install it: Debian's package prometheus\n")


def test_without_binaries_and_without_go_nothing_is_left_behind(tmp_path):
    for tool in ("openssl", "ps"):
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)

    done = recipe("up", tmp_path / "plane", PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("go is missing; install it: ")
    assert not (tmp_path / "plane").exists()


def test_a_process_that_only_has_the_number_of_ours_is_not_ended(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (tmp_path / "pids.json").write_text(json.dumps({"etcd": stranger.pid}))
        status = recipe("status", tmp_path, PATH="/usr/bin:/bin")
        down = recipe("down", tmp_path, PATH="/usr/bin:/bin")
        alive = stranger.poll() is None
        stranger.terminate()

    assert (status.stdout, down.returncode, alive) == ("not running\n", 0, True)


def test_a_test_that_needs_the_control_plane_fails_without_one_and_says_what_to_install(tmp_path):
    """The fixtures come in as a plugin, and an empty PATH stands for a machine without Go and openssl."""
    (tmp_path / "test_it.py").write_text(SUITE)
    conftest = RECIPE.parent.parent / "conftest.py"
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        str(conftest.parents[1] / "pyproject.toml"),
        "--rootdir",
        str(tmp_path),
    ]
    run = [sys.executable, "-m", "pytest", "-p", "conftest", *options, "-m", "cluster", str(tmp_path / "test_it.py")]
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(conftest.parent), "XDG_CACHE_HOME": str(tmp_path)}

    done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)

    assert (done.returncode, "skipped" in done.stdout) == (1, False), done.stdout + done.stderr
    assert "no control plane, so nothing is proved" in done.stdout
    assert "openssl is missing; install it: Debian's package openssl" in done.stdout
