"""Whether a policy keeps the verifier to dry runs: told to the admin, in the embedded cluster and in a real one."""

from pathlib import Path

import pytest
import yaml

from maintd.app.doctor.line import Verdict
from maintd.derive import verifier as derived

POLICY = Path(__file__).parents[2] / "deploy" / "components" / "verifier" / "policy.yaml"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
MERGE_PATCH = "application/merge-patch+json"
PLURALS = {
    "ValidatingAdmissionPolicy": f"{ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{ADMISSION}/validatingadmissionpolicybindings",
}
POLICIES, BINDINGS = PLURALS.values()


@pytest.fixture
async def verified(installed):
    """The Roles of the verifier, and its policy; what is in no namespace goes in the end."""
    await installed.apply(derived.text(derived.Verifier(installed.patient.file, installed.patient.own, state=())))
    text = POLICY.read_text().replace("serviceaccount:maintd:", f"serviceaccount:{installed.patient.own}:")
    for obj in yaml.safe_load_all(text):
        made = await installed.backend.request("POST", PLURALS[obj["kind"]], obj)
        assert made.status == 201, made.text
    yield installed
    for path in (
        *PLURALS.values(),
        *(f"/apis/rbac.authorization.k8s.io/v1/{kind}" for kind in ("clusterroles", "clusterrolebindings")),
    ):
        await installed.backend.request("DELETE", f"{path}/maintd-verifier")


async def examined(installed):
    [line] = (await installed.patient.examine())["verifier"]
    return line


async def test_a_verifier_that_a_policy_keeps_to_dry_runs_is_well(verified):
    line = await examined(verified)

    assert (line.verdict, line.subject) == (Verdict.OK, f"system:serviceaccount:{verified.patient.own}:maintd-verifier")
    assert line.message.endswith("and a policy refuses whatever is no dry run")


async def test_a_verifier_without_a_policy_could_change_everything_and_that_is_a_problem(verified):
    await verified.backend.request("DELETE", f"{BINDINGS}/maintd-verifier")

    line = await examined(verified)

    assert line.verdict is Verdict.PROBLEM
    assert line.message.endswith("and no ValidatingAdmissionPolicy keeps it to dry runs")
    assert line.remedy == "kubectl apply -f deploy/components/verifier/policy.yaml"


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        (POLICIES, {"failurePolicy": "Ignore"}),
        (POLICIES, {"validations": [{"expression": "true"}]}),
        (POLICIES, {"matchConditions": [{"name": "who", "expression": 'request.userInfo.username == "nobody"'}]}),
        (POLICIES, {"matchConstraints": {"namespaceSelector": {"matchLabels": {"a": "b"}}}}),
        (BINDINGS, {"validationActions": ["Warn"]}),
        (BINDINGS, {"matchResources": {"objectSelector": {"matchLabels": {"a": "b"}}}}),
    ],
    ids=["fails-open", "allows-all", "is-about-another", "is-narrower", "warns-only", "is-bound-to-less"],
)
async def test_a_policy_that_was_weakened_is_a_problem(verified, path, spec):
    changed = await verified.backend.request("PATCH", f"{path}/maintd-verifier", {"spec": spec}, content=MERGE_PATCH)
    assert changed.status == 200, changed.text

    line = await examined(verified)

    assert line.verdict is Verdict.PROBLEM
    assert line.message.endswith("is not as maintd has it")
