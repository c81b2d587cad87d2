"""What the daemon itself would meet: jobs.yaml, its schedules, the hosts it probes, Google, and the environment."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import PurePath

import pytest
from google.cloud import container_v1

from maintd.app.doctor.environment import environment
from maintd.app.doctor.gke import gke
from maintd.app.doctor.jobsfile import hosts, judged, mount, schedules
from maintd.app.doctor.line import Verdict
from maintd.core.target import GkeCluster
from maintd.sandbox.gke import GkeFault, GkeStandIn

PATH = PurePath("/etc/maintd/jobs.yaml")
ROOT = "700 600 0:100 / / ro,relatime master:300 - overlay overlay ro,lowerdir=/a\n"
POD = "/var/lib/kubelet/pods/3f1c/volumes/kubernetes.io~configmap/jobs"
WHOLE = f"{ROOT}710 700 8:1 {POD} /etc/maintd ro,relatime - ext4 /dev/sda1 rw\n"
FILE = f"{ROOT}710 700 8:1 {POD}/..2026_11_23_09_00_00.123/jobs.yaml /etc/maintd/jobs.yaml ro - ext4 /dev/sda1 rw\n"
FOLDER = f"{ROOT}710 700 8:1 {POD}/..2026_11_23_09_00_00.123/x /etc/maintd ro - ext4 /dev/sda1 rw\n"
DISK = f"{ROOT}710 700 8:1 /jobs.yaml /etc/maintd/jobs.yaml ro,relatime - ext4 /dev/sdb rw\n"
KEY = (
    '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMIIEsecret\\n-----END PRIVATE KEY-----"}'
)
SHOP = GkeCluster(project="p", location="us-central1", cluster="c")


async def lines_of(check, patient):
    async with patient.visit() as visit:
        return await check(visit)


def told(lines):
    return {line.subject: line.verdict for line in lines}


@pytest.mark.parametrize(
    ("mounts", "swapped", "verdict"),
    [
        (WHOLE, True, Verdict.OK),
        (FILE, False, Verdict.PROBLEM),
        (FOLDER, False, Verdict.PROBLEM),
        (DISK, False, Verdict.PROBLEM),
        (ROOT, False, Verdict.WARNING),
        (WHOLE, False, Verdict.WARNING),
        ("", False, Verdict.WARNING),
        ("a line\nof another\nkind", False, Verdict.WARNING),
    ],
)
def test_a_sub_path_never_follows_an_edit_a_whole_config_map_does(mounts, swapped, verdict):
    line = judged(PATH, mounts, swapped=swapped)

    assert line.verdict is verdict
    assert ("volumeMounts" in line.remedy) == (verdict is Verdict.PROBLEM)


def test_a_mount_point_with_a_space_in_its_name_is_that_mount_point():
    path = PurePath("/etc/my jobs/jobs.yaml")

    assert judged(path, FILE.replace("/etc/maintd/", "/etc/my\\040jobs/"), swapped=False).verdict is Verdict.PROBLEM


async def test_a_folder_that_kubelet_swaps_is_known_by_its_link(patient):
    version = patient.folder / "..2026_11_23"
    version.mkdir()
    (patient.folder / "..data").symlink_to(version.name)

    [line] = await lines_of(mount, patient)

    assert (line.verdict, line.subject) == (Verdict.OK, str(patient.folder / "jobs.yaml"))


async def test_elsewhere_jobs_yaml_is_a_file_like_any_other(patient):
    patient.in_pod = False

    assert await lines_of(mount, patient) == []


async def test_each_job_says_when_it_is_due(patient):
    patient.jobs_text += "  - {name: off, kind: version-check, every: 1h, enabled: false}\n"
    patient.jobs_text += "  - {name: by-hand, kind: version-check, manual: true}\n"

    lines = await lines_of(schedules, patient)

    assert {line.verdict for line in lines} == {Verdict.OK}
    assert [(line.subject, line.message[:9]) for line in lines] == [
        ("tidy", "due next "),
        ("copies", "due next "),
        ("versions", "due next "),
        ("off", "never due"),
        ("by-hand", "due when "),
    ]


async def test_a_schedule_that_never_comes_again_is_a_problem(patient):
    class Over:
        def after(self, instant):
            return None

        def words(self):
            return "never"

    async with patient.visit() as visit:
        jobs = tuple(replace(job, schedule=Over()) if job.name == "tidy" else job for job in visit.file.jobs)
        lines = await schedules(replace(visit, file=replace(visit.file, jobs=jobs)))

    assert told(lines) == {"tidy": Verdict.PROBLEM, "copies": Verdict.OK, "versions": Verdict.OK}


@pytest.mark.parametrize("in_pod", [True, False])
async def test_a_host_that_nobody_knows_is_a_problem_of_the_pod_alone(patient, in_pod):
    """A label of a name has at most 63 characters, so no server need be asked."""
    patient.in_pod = in_pod
    patient.jobs_text = "version: 1\ntargets:\n" + "".join(
        f"  t{number}: {{namespace: shop, url: 'http://{host}/'}}\n"
        for number, host in enumerate(("localhost", "s" * 64 + ".shop.svc", "x" * 64 + ".shop.svc"))
    )
    patient.jobs_text += "jobs:\n" + "".join(
        f"  - {{name: j{number}, kind: latency-sample, target: t{number}, every: 1m}}\n" for number in (0, 1)
    )
    patient.jobs_text += "  - {name: j2, kind: cleanup-pods, target: t2, manual: true}\n"

    lines = await lines_of(hosts, patient)

    assert told(lines) == ({"localhost": Verdict.OK, "s" * 64 + ".shop.svc": Verdict.PROBLEM} if in_pod else {})


async def test_the_heartbeats_receiver_must_have_an_address_and_is_not_asked(patient):
    receiver = "x" * 64 + ".example.com"
    patient.jobs_text = f"version: 1\nheartbeat: {{url: 'https://{receiver}/ping'}}\njobs: []\n"

    assert told(await lines_of(hosts, patient)) == {receiver: Verdict.PROBLEM}


class TestGoogle:
    """The GKE API, for each cluster that a job asks about."""

    @pytest.fixture
    async def google(self, patient):
        target = "{namespace: shop, gke: {project: p, location: us-central1, cluster: c}}"
        patient.jobs_text = patient.jobs_text.replace("{namespace: shop}", target)
        async with GkeStandIn(SHOP, container_v1.Cluster(status="RUNNING")) as started:
            patient.google = started.endpoint
            yield started

    async def test_a_cluster_that_google_tells_about_is_ok(self, patient, google):
        [line] = await lines_of(gke, patient)

        assert (line.verdict, line.subject) == (Verdict.OK, "p/us-central1/c")
        assert set(google.calls) == {"GetCluster", "GetServerConfig", "ListOperations"}

    @pytest.mark.parametrize("in_pod", [True, False])
    @pytest.mark.parametrize(
        "permission", ["container.clusters.get", "container.clusters.list", "container.operations.list"]
    )
    async def test_each_permission_that_is_missing_is_named(self, patient, google, permission, in_pod):
        patient.in_pod = in_pod
        google.permissions.discard(permission)

        [line] = await lines_of(gke, patient)

        assert line.verdict is (Verdict.PROBLEM if in_pod else Verdict.WARNING)
        assert permission in line.message
        assert "gcloud projects add-iam-policy-binding p" in line.message

    async def test_a_cluster_that_is_not_there_is_a_problem(self, patient, google):
        patient.jobs_text = patient.jobs_text.replace("cluster: c}", "cluster: d}")

        [line] = await lines_of(gke, patient)

        assert (line.verdict, "gcloud container clusters list" in line.message) == (Verdict.PROBLEM, True)

    async def test_google_in_silence_is_a_problem_within_the_time(self, patient, google):
        google.faults.append(GkeFault("GetCluster", hang=True))

        async with asyncio.timeout(10):
            [line] = await lines_of(gke, patient)

        assert line.verdict is Verdict.PROBLEM

    async def test_without_a_target_of_google_nobody_is_asked(self, patient):
        assert await lines_of(gke, patient) == []


@dataclass(frozen=True)
class Case:
    """Variables, where they are set, and what is said of which."""

    environ: dict[str, str]
    told: dict[str, Verdict]
    says: str = ""
    storage: str = "gs://bucket"
    in_pod: bool = True


CASES = {
    "nothing": Case({"PATH": "/bin", "HOME": "/root"}, {"": Verdict.OK}),
    "a zone": Case({"TZ": "Europe/Berlin"}, {"TZ": Verdict.WARNING}, "timezone"),
    "a zone on a laptop": Case({"TZ": "Europe/Berlin"}, {"": Verdict.OK}, in_pod=False),
    "a project": Case({"GOOGLE_CLOUD_PROJECT": "p"}, {"GOOGLE_CLOUD_PROJECT": Verdict.WARNING}),
    "without the prefix": Case(
        {"LOG_LEVEL": "debug"}, {"LOG_LEVEL": Verdict.WARNING}, "did you mean MAINTD_LOG_LEVEL?"
    ),
    "credentials that are nowhere": Case(
        {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"},
        {"GOOGLE_APPLICATION_CREDENTIALS": Verdict.PROBLEM},
        "names no file: /nowhere/key.json",
    ),
    "credentials that nobody needs": Case(
        {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"},
        {"GOOGLE_APPLICATION_CREDENTIALS": Verdict.WARNING},
        "nobody reads it",
        storage="file:///store",
    ),
    "a key instead of a path": Case(
        {"GOOGLE_APPLICATION_CREDENTIALS": KEY},
        {"GOOGLE_APPLICATION_CREDENTIALS": Verdict.PROBLEM},
        "holds a private key",
    ),
    "JSON instead of a path": Case(
        {"GOOGLE_APPLICATION_CREDENTIALS": '{"type": "external_account"}'},
        {"GOOGLE_APPLICATION_CREDENTIALS": Verdict.PROBLEM},
        "holds JSON",
    ),
    "a key under any name": Case({"SOME_KEY": KEY}, {"SOME_KEY": Verdict.PROBLEM}, in_pod=False),
    "another metadata server": Case(
        {"GCE_METADATA_HOST": "10.0.0.1"}, {"GCE_METADATA_HOST": Verdict.WARNING}, "away from the metadata server"
    ),
    "a proxy in the pod": Case(
        {"HTTPS_PROXY": "http://u:secret@proxy:3128"}, {"HTTPS_PROXY": Verdict.WARNING}, "the API server is not"
    ),
    "a proxy on a laptop": Case(
        {"https_proxy": "http://proxy:3128"}, {"https_proxy": Verdict.WARNING}, "the API server is too", in_pod=False
    ),
    "a kubeconfig in the pod": Case({"KUBECONFIG": "/home/somebody/config"}, {"KUBECONFIG": Verdict.WARNING}),
    "a kubeconfig on a laptop": Case({"KUBECONFIG": "/home/somebody/config"}, {"": Verdict.OK}, in_pod=False),
    "an emulator for a folder": Case(
        {"STORAGE_EMULATOR_HOST": "h:1"},
        {"STORAGE_EMULATOR_HOST": Verdict.WARNING},
        "nobody reads it",
        storage="file:///store",
    ),
}


class TestEnvironment:
    """Variables that nobody reads, or that lead elsewhere."""

    @pytest.mark.parametrize("case", CASES.values(), ids=CASES)
    async def test_what_nobody_reads_or_leads_elsewhere_is_named(self, patient, case):
        patient.environ, patient.storage, patient.in_pod = case.environ, case.storage, case.in_pod

        lines = await lines_of(environment, patient)

        assert told(lines) == case.told
        assert any(case.says in line.message for line in lines)
        assert "secret" not in str(lines)

    async def test_an_emulator_that_serve_would_refuse_is_a_problem(self, patient, monkeypatch):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", "elsewhere:1")
        patient.environ, patient.storage = {"STORAGE_EMULATOR_HOST": "elsewhere:1"}, "gs://bucket"

        [line] = await lines_of(environment, patient)

        assert (line.verdict, "serve will not start" in line.message) == (Verdict.PROBLEM, True)

    @pytest.mark.parametrize(("text", "warned"), [(KEY, True), ('{"type": "external_account"}', False), ("[", False)])
    async def test_a_key_in_a_file_is_worth_a_warning_in_the_pod(self, patient, text, warned):
        key = patient.folder / "key.json"
        key.write_text(text)
        patient.environ, patient.storage = {"GOOGLE_APPLICATION_CREDENTIALS": str(key)}, "gs://bucket"

        lines = await lines_of(environment, patient)

        assert told(lines) == ({"GOOGLE_APPLICATION_CREDENTIALS": Verdict.WARNING} if warned else {"": Verdict.OK})
