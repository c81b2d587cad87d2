"""`maintd doctor` as it is typed."""

import asyncio
import json
import os
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from maintd.sandbox.faults import Fault
from tests import forks

KEYS = ["check", "result", "about", "detail", "remedy"]


@dataclass
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def doctor(patient, tmp_path):
    """Typed on a laptop, by somebody who may do everything."""

    async def typed(*words: str, **environ: str) -> Said:
        path = patient.file.path
        own = {"KUBECONFIG": str(patient.kubeconfig), "MAINTD_JOBS_FILE": str(path)}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAINTD_", "KUBERNETES_"))}
        return Said(*await forks.typed("doctor", *words, folder=tmp_path, environment=kept | own | environ))

    return typed


def apply(sandbox: Any, text: str) -> None:
    for obj in yaml.safe_load_all(text):
        sandbox.put(obj)


async def test_exit_1_and_a_script_before_the_roles_are_there_exit_0_and_none_after(doctor, patient, sandbox):
    before = await doctor()
    apply(sandbox, patient.rendered)
    after = await doctor()

    _, _, script = before.out.partition("\n\n")
    checked = await asyncio.create_subprocess_exec("bash", "-n", "-c", script)
    assert (before.code, after.code, await checked.wait()) == (1, 0, 0)
    assert before.err == after.err == ""
    assert "\n# problem: rights Role maintd in shop\nmaintd render rbac --live | kubectl apply -f -\n" in before.out
    assert after.out.splitlines()[0].split() == ["CHECK", "RESULT", "ABOUT", "DETAIL"]
    assert "# problem" not in after.out


async def test_json_has_the_same_keys_whatever_is_found(doctor, patient, sandbox):
    apply(sandbox, patient.rendered)
    good = await doctor("-o", "json")
    bad = await doctor("-o", "json", KUBECONFIG="/nowhere")

    for said, healthy in ((bad, False), (good, True)):
        found = json.loads(said.out)
        assert (list(found), found["format"], found["healthy"]) == (["format", "healthy", "lines"], 1, healthy)
        assert {tuple(line) for line in found["lines"]} == {tuple(KEYS)}
        assert {line["result"] for line in found["lines"]} <= {"ok", "warning", "unknown", "problem"}
    assert (good.code, bad.code, "kubeconfig /nowhere" in bad.out) == (0, 1, True)
    assert "written, read and listed" in bad.out


async def test_a_context_of_the_kubeconfig_is_asked_and_stands_in_what_is_to_be_typed(doctor, patient):
    config = json.loads(patient.kubeconfig.read_text())
    config["clusters"].append({"name": "dead", "cluster": {"server": "http://127.0.0.1:1"}})
    config["contexts"].append({"name": "lab 1", "context": config["contexts"][0]["context"]})
    config["contexts"].append({"name": "dead", "context": {"cluster": "dead", "user": "admin"}})
    config["current-context"] = "dead"
    patient.kubeconfig.write_text(json.dumps(config))

    said = await doctor("--context", "lab 1")

    assert "kubectl --context='lab 1' apply -f -" in said.out
    assert "127.0.0.1:1 " not in said.out


async def test_a_bad_jobs_file_is_exit_2_like_everywhere(doctor, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("version: 1\njobs: [{name: a, kind: bakcup, manual: true}]\n")

    said = await doctor(MAINTD_JOBS_FILE=str(path))

    assert (said.code, "did you mean backup?" in said.err) == (2, True)


async def test_with_everything_in_silence_it_ends_all_the_same(doctor, sandbox, bucket):
    """Threads that still wait for the bucket do not hold up the end."""
    sandbox.faults.append(Fault("*", times=1000, delay_seconds=60))
    bucket.silent = True

    said = await doctor("-o", "json", MAINTD_STORAGE="gs://bucket", STORAGE_EMULATOR_HOST=bucket.url)

    found = {line["check"]: line["result"] for line in json.loads(said.out)["lines"]}
    assert (said.code, found["api server"], found["store"], found["rights"]) == (1, "problem", "problem", "unknown")
    assert "Traceback" not in said.err
