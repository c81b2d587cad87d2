"""The rendered Roles: what a person reads at night, and what kubectl reads."""

from functools import partial
from itertools import product
from pathlib import Path

import pytest
import yaml

from maintd.cli.jobsfile import loader
from maintd.config.settings import Settings
from maintd.core.ports import Discovery
from maintd.core.resource import Resource
from maintd.derive import rbac
from maintd.derive.rights import Right, collected
from maintd.rails.needs import rails_needs
from maintd.scheduling.homes import state_needs

ROOT = Path(__file__).parents[2]
HEAD = """version: 1
targets: {shop: {namespace: shop, url: http://web.shop.svc}, 'on': {namespace: 'on'}}
defaults: {target: shop}
"""
FORBIDDEN = {
    "*",
    "bind",
    "escalate",
    "impersonate",
    "pods/exec",
    "pods/attach",
    "nodes/proxy",
    "secrets",
    "tokenreviews",
}


def grants(jobs: str, namespace: str = "maintd", found: Discovery | None = None) -> rbac.Grants:
    file = loader(Settings()).parse((HEAD + f"jobs:\n{jobs}").encode(), Path("/somewhere/jobs.yaml"))
    gate = partial(rails_needs, own_namespace=namespace)
    return rbac.Grants(file, namespace, gate, state_needs(namespace), found)


ACTS = "- {name: tidy, kind: cleanup-pods, manual: true, mode: act}\n"
LOOKS = "- {name: tidy, kind: cleanup-pods, manual: true}\n"


def test_it_reads_like_this() -> None:
    assert rbac.text(grants(LOOKS, "ops")) == (
        """\
# What maintd may do in the cluster: no more than the jobs of jobs.yaml need.
# Written by `maintd render rbac`; edit the jobs and render again. Above each rule: who needs it.
# In dry-run, so without the right to change; render again after `mode: act`: tidy
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: maintd-ops
  namespace: ops
  labels:
    app.kubernetes.io/name: maintd
    app.kubernetes.io/managed-by: maintd
rules:
  # maintd itself, for its state
  - apiGroups: [""]
    resources: ["configmaps"]
    verbs: ["create"]
  # maintd itself, for its state
  - apiGroups: [""]
    resources: ["configmaps"]
    resourceNames: ["maintd-state"]
    verbs: ["get", "update"]
  # maintd itself, for its state
  - apiGroups: [""]
    resources: ["namespaces"]
    resourceNames: ["ops"]
    verbs: ["get"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: maintd-ops
  namespace: ops
  labels:
    app.kubernetes.io/name: maintd
    app.kubernetes.io/managed-by: maintd
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: maintd-ops
subjects:
- kind: ServiceAccount
  name: maintd
  namespace: ops
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: maintd-ops
  namespace: shop
  labels:
    app.kubernetes.io/name: maintd
    app.kubernetes.io/managed-by: maintd
rules:
  # tidy
  - apiGroups: [""]
    resources: ["pods"]
    verbs: ["list"]
  # tidy
  - apiGroups: ["batch"]
    resources: ["jobs"]
    verbs: ["list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: maintd-ops
  namespace: shop
  labels:
    app.kubernetes.io/name: maintd
    app.kubernetes.io/managed-by: maintd
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: maintd-ops
subjects:
- kind: ServiceAccount
  name: maintd
  namespace: ops
"""
    )


EVERYTHING = "- {name: all, kind: backup, manual: true, params: {namespaces: ['*']}}\n"


@pytest.mark.parametrize(
    "jobs",
    [
        ACTS,
        LOOKS,
        EVERYTHING,
        EVERYTHING + ACTS,
        "- {name: versions, kind: version-check, manual: true}\n",
        "- {name: odd, kind: cleanup-pods, manual: true, target: 'on', mode: act}\n",
        (ROOT / "jobs.yaml").read_text().partition("jobs:\n")[2].replace("mode: dry-run", "mode: act"),
    ],
)
def test_what_the_yaml_grants_is_what_is_needed_and_bound_to_maintd_alone(jobs: str) -> None:
    asked = grants(jobs)
    objects = list(yaml.safe_load_all(rbac.text(asked)))

    assert granted(objects) == set(collected(asked.asked()))
    bindings = [obj for obj in objects if obj["kind"].endswith("Binding")]
    roles = [obj for obj in objects if not obj["kind"].endswith("Binding")]
    assert [(one["roleRef"]["kind"], one["roleRef"]["name"], one["metadata"].get("namespace")) for one in bindings] == [
        (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")) for one in roles
    ]
    account = {"kind": "ServiceAccount", "name": "maintd", "namespace": "maintd"}
    assert [one["subjects"] for one in bindings] == [[account]] * len(roles)
    assert FORBIDDEN & words(objects) == set()


def granted(objects: list[dict]) -> set[Right]:
    found = set()
    for role in objects:
        for rule in role.get("rules", []):
            [group] = rule["apiGroups"]
            names = rule.get("resourceNames", [""])
            for plural, verb, name in product(rule["resources"], rule["verbs"], names):
                base, slash, sub = plural.partition("/")
                resource = (f"{base}.{group}" if group else base) + slash + sub
                found.add(Right(role["metadata"].get("namespace", ""), resource, verb, name))
    return found


def words(objects: list[dict]) -> set[str]:
    return {word for role in objects for rule in role.get("rules", []) for part in rule.values() for word in part}


def test_there_is_a_cluster_role_only_where_a_job_needs_one() -> None:
    kinds = {obj["kind"] for obj in yaml.safe_load_all(rbac.text(grants(ACTS)))}

    assert kinds == {"Role", "RoleBinding"}


def test_a_job_that_is_not_enabled_gets_nothing_and_is_named() -> None:
    off = "- {name: off, kind: version-check, manual: true, enabled: false}\n"
    text = rbac.text(grants(ACTS + off))

    assert "# Not enabled, so without rights: off\n" in text
    assert text.replace("# Not enabled, so without rights: off\n", "") == rbac.text(grants(ACTS))


def test_secrets_may_be_listed_only_where_a_job_says_that_it_counts_them() -> None:
    counts = EVERYTHING.replace("'*']", "'*'], count_secrets: true")

    assert Right("", "secrets", "list") in collected(grants(counts).asked())
    assert '"secrets"' not in rbac.text(grants(EVERYTHING))


WIDGETS = Resource("example.com", "v1", "widgets", "Widget", True, frozenset({"list", "create"}))


def test_what_the_cluster_has_is_listed_and_what_it_could_not_say_is_named() -> None:
    found = Discovery((WIDGETS,), {"metrics.k8s.io/v1beta1": "away"})
    plain, live = rbac.text(grants(EVERYTHING)), rbac.text(grants(EVERYTHING, found=found))

    assert "# Without the custom resources of the cluster; to list them, render with --live: all\n" in plain
    assert "# With the custom resources that the cluster has: all\n" in live
    assert "# Not in here, since their API did not answer: metrics.k8s.io/v1beta1\n" in live
    more = granted(list(yaml.safe_load_all(live))) - granted(list(yaml.safe_load_all(plain)))
    assert more == {Right("", "widgets.example.com", "list")}
