"""The API server itself: away, silent, with another time; and what has to be in the cluster."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from maintd.app.doctor.line import Verdict
from maintd.app.doctor.server import drift
from maintd.core.rules import Rule
from maintd.sandbox.faults import Fault, html, unavailable
from maintd.sandbox.server import Sandbox

CHECKS = [
    "api server",
    "clock",
    "rights",
    "verifier",
    "state",
    "namespaces",
    "store",
    "bucket",
    "gke",
    "jobs.yaml",
    "schedules",
    "hosts",
    "environment",
]
OF_CLUSTER = CHECKS[:6]


def verdicts(lines):
    return [line.verdict for line in lines]


def is_unasked(found):
    """The API server is a problem, what it was not asked is unknown, and the rest is told all the same."""
    others = {name: [(line.verdict, line.message) for line in found[name]] for name in OF_CLUSTER[1:]}
    silent = [(Verdict.UNKNOWN, "not known: the API server did not answer")]
    return (
        list(found) == CHECKS
        and verdicts(found["api server"]) == [Verdict.PROBLEM]
        and others == dict.fromkeys(OF_CLUSTER[1:], silent)
        and found["store"][0].verdict is Verdict.OK
    )


async def test_of_a_cluster_where_all_is_well_every_line_says_so(patient):
    found = await patient.examine()

    assert list(found) == CHECKS
    assert {name: verdicts(found[name]) for name in OF_CLUSTER[1:]} == {
        "clock": [Verdict.OK],
        "rights": [Verdict.OK] * 4,
        "verifier": [],
        "state": [Verdict.OK],
        "namespaces": [Verdict.OK] * 2,
    }


async def test_an_api_server_that_takes_no_connection_is_a_problem(patient):
    config = json.loads(patient.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:1"
    patient.kubeconfig.write_text(json.dumps(config))

    found = await patient.examine()

    assert is_unasked(found)
    assert "cannot connect to 127.0.0.1:1" in found["api server"][0].message


async def test_an_api_server_that_does_not_answer_is_a_problem_within_the_time(patient, sandbox):
    sandbox.faults.append(Fault("*", times=1000, delay_seconds=60))
    patient.patience = 1.5

    found = await patient.examine()

    assert is_unasked(found)
    assert found["api server"][0].message.startswith("no answer within 0.5 s")
    assert found["api server"][0].remedy == "kubectl get --raw /readyz"


async def test_an_api_server_that_falls_silent_later_is_a_problem_of_what_it_was_asked(patient, sandbox):
    sandbox.faults.append(Fault("create", "*/selfsubjectaccessreviews", times=1000, delay_seconds=60))
    patient.patience = 1.5

    found = await patient.examine()

    assert (verdicts(found["api server"])[0], verdicts(found["rights"])) == (Verdict.OK, [Verdict.PROBLEM])
    assert "no answer within" in found["rights"][0].message
    assert verdicts(found["namespaces"]) == [Verdict.OK] * 2


@pytest.mark.parametrize("reply", [html(), unavailable(500)], ids=["a login page", "an error"])
async def test_what_is_no_answer_is_none(patient, sandbox, reply):
    sandbox.faults.append(Fault("get", "/version", times=1000, answer=reply))
    patient.patience = 1.5

    assert is_unasked(await patient.examine())


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_differs_from_the_api_servers_is_a_problem(patient, tmp_path, hours):
    async with Sandbox(clock=lambda: datetime.now(UTC) + timedelta(hours=hours)) as other:
        [line] = (await patient.examine(other.kubeconfig(tmp_path / "other")))["clock"]

    way = "behind" if hours > 0 else "ahead of"
    assert line.verdict is Verdict.PROBLEM
    assert f"{way} the API server's" in line.message
    assert "at least 359" in line.message or "at least 3600 s" in line.message


@pytest.mark.parametrize(
    ("before", "after", "seconds"),
    [
        (0.0, 0.1, 0.0),
        (0.9, 0.95, 0.0),
        (1.0, 1.1, 0.0),
        (-5.0, 0.0, 0.0),
        (3.0, 3.1, 2.0),
        (-3.0, -2.0, -2.0),
        (-60.0, 60.0, 0.0),
        (-60.0, -9.0, -9.0),
    ],
)
def test_a_slow_answer_and_a_date_in_whole_seconds_are_no_difference(before, after, seconds):
    date = datetime(2026, 11, 23, 12, tzinfo=UTC)

    found = drift(date + timedelta(seconds=before), date + timedelta(seconds=after), date)

    assert found == timedelta(seconds=seconds)


async def test_a_namespace_that_is_not_there_is_a_problem_though_its_lists_are_only_empty(patient, sandbox):
    sandbox.remove("v1", "Namespace", "shop")

    own, shop = (await patient.examine())["namespaces"]

    assert (own.verdict, shop.verdict, shop.message) == (Verdict.OK, Verdict.PROBLEM, "there is no such namespace")
    assert shop.remedy.startswith("kubectl create namespace shop  #")


async def test_a_namespace_that_ends_is_a_problem(patient, sandbox):
    metadata = {"name": "shop", "deletionTimestamp": "2026-11-23T09:00:00Z"}
    sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    _, shop = (await patient.examine())["namespaces"]

    assert (shop.verdict, shop.message) == (Verdict.PROBLEM, "it is being deleted")


async def test_a_namespace_that_may_not_be_looked_at_is_worth_a_warning_and_no_more(patient, sandbox, tmp_path):
    user = "system:serviceaccount:maintd:maintd"
    sandbox.grant(user, [Rule("namespaces", "get", namespace="maintd", names=["maintd"])])

    own, shop = (await patient.examine(sandbox.kubeconfig(tmp_path / "daemon", user)))["namespaces"]

    assert (own.verdict, shop.verdict, shop.remedy) == (Verdict.OK, Verdict.WARNING, "kubectl get namespace shop")


async def test_the_state_is_told_before_and_after_there_is_one(patient, sandbox):
    [before] = (await patient.examine())["state"]
    metadata = {"name": "maintd-state", "namespace": "maintd"}
    sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"tidy": "{}"}})
    [after] = (await patient.examine())["state"]

    assert (before.verdict, before.message) == (Verdict.OK, "not there yet; the first run makes it")
    assert (after.verdict, after.subject, after.message) == (
        Verdict.OK,
        "configmap maintd/maintd-state",
        "remembers 1 job",
    )


async def test_a_state_that_the_daemon_may_not_read_is_its_problem_and_not_that_of_a_stranger(
    patient, sandbox, tmp_path
):
    nobody = sandbox.kubeconfig(tmp_path / "nobody", "nobody")
    [in_the_pod] = (await patient.examine(nobody))["state"]
    patient.in_pod = False
    [elsewhere] = (await patient.examine(nobody))["state"]

    assert (in_the_pod.verdict, elsewhere.verdict) == (Verdict.PROBLEM, Verdict.WARNING)
    assert "get configmaps" in in_the_pod.message


async def test_a_check_that_has_a_defect_is_unknown_and_hides_no_other(patient):
    def broken():
        raise RuntimeError("secret words")

    patient.now = broken

    found = await patient.examine()

    [clock] = found["clock"]
    assert (clock.verdict, "a defect of maintd" in clock.message) == (Verdict.UNKNOWN, True)
    assert "secret words" not in str(found)
    assert verdicts(found["rights"]) == [Verdict.OK] * 4
