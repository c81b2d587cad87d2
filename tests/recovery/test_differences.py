"""What differs between two cleaned objects, and how it is called."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintd.core.resource import Json, Resource
from maintd.objects.autoscaling import Scaled, as_scaled, scaled_by
from maintd.objects.differences import ABSENT, Difference, differences

WEB: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"a.io/b": "1"}},
    "spec": {
        "replicas": 3,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "shop:1",
                        "args": ["--port", "80", "--verbose"],
                        "env": [{"name": "A", "value": "1"}, {"name": "GIT_SHA", "value": "12e4567"}],
                        "ports": [
                            {"containerPort": 53, "protocol": "TCP"},
                            {"containerPort": 53, "protocol": "UDP", "name": "dns"},
                        ],
                        "volumeMounts": [{"mountPath": "/data", "name": "data"}],
                    }
                ],
                "volumes": [{"name": "data", "emptyDir": {}}],
                "tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}],
            }
        },
    },
}
POD = "spec.template.spec"
BOX = f"{POD}.containers[web]"


def changed(edit: str, **names: Any) -> Json:
    """The Deployment after one statement on `pod`, `box` or `obj`."""
    obj = copy.deepcopy(WEB)
    pod = obj["spec"]["template"]["spec"]
    exec(edit, {"obj": obj, "pod": pod, "box": pod["containers"][0], **names})
    return obj


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("box['image'] = 'shop:2'", Difference(f"{BOX}.image", "shop:2", "shop:1")),
        (
            "box['env'].append({'name': 'DEBUG', 'value': 'x'})",
            Difference(f"{BOX}.env[DEBUG]", {"name": "DEBUG", "value": "x"}, ABSENT),
        ),
        (
            "box['env'].insert(0, {'name': 'DEBUG', 'value': 'x'})",
            Difference(f"{BOX}.env[DEBUG]", {"name": "DEBUG", "value": "x"}, ABSENT),
        ),
        ("del box['env'][0]", Difference(f"{BOX}.env[A]", ABSENT, {"name": "A", "value": "1"})),
        ("box['env'].reverse()", Difference(f"{BOX}.env", ["GIT_SHA", "A"], ["A", "GIT_SHA"], order=True)),
        (
            "pod['containers'].insert(0, {'name': 'proxy'})",
            Difference(f"{POD}.containers[proxy]", {"name": "proxy"}, ABSENT),
        ),
        ("box['ports'][1]['name'] = 'udp'", Difference(f"{BOX}.ports[53/UDP].name", "udp", "dns")),
        ("box['volumeMounts'][0]['readOnly'] = True", Difference(f"{BOX}.volumeMounts[/data].readOnly", True, ABSENT)),
        ("pod['volumes'] += [{'name': 'x'}]", Difference(f"{POD}.volumes[x]", {"name": "x"}, ABSENT)),
        ("del obj['spec']['replicas']", Difference("spec.replicas", ABSENT, 3)),
        ("obj['metadata']['labels']['tier'] = 'x'", Difference("metadata.labels.tier", "x", ABSENT)),
        ("obj['metadata']['annotations']['a.io/b'] = '2'", Difference('metadata.annotations["a.io/b"]', "2", "1")),
        ("box['args'][1] = '81'", Difference(f"{BOX}.args[1]", "81", "80")),
        ("box['args'].insert(0, '-v')", Difference(f"{BOX}.args[0]", "-v", ABSENT)),
        ("del box['args'][0]", Difference(f"{BOX}.args[0]", ABSENT, "--port")),
        (
            "box['args'].reverse()",
            Difference(f"{BOX}.args", ["--verbose", "80", "--port"], ["--port", "80", "--verbose"], order=True),
        ),
        ("pod['tolerations'][1]['effect'] = 'x'", Difference(f"{POD}.tolerations[1].effect", "x", ABSENT)),
        ("obj['metadata']['labels'] = None", Difference("metadata.labels", None, {"app": "web"})),
        ("obj['spec']['replicas'] = True", Difference("spec.replicas", True, 3)),
        ("obj['spec']['replicas'] = '3'", Difference("spec.replicas", "3", 3)),
    ],
)
def test_one_change_is_one_difference_at_its_place(edit: str, expected: Difference) -> None:
    assert differences(changed(edit), WEB) == (expected,)


def test_one_is_not_true_as_python_would_have_it() -> None:
    assert differences({"a": [1]}, {"a": [True]}) == (Difference("a[0]", 1, True),)


def test_elements_of_one_name_are_compared_by_their_place() -> None:
    wanted = {"subjects": [{"name": "a", "kind": "User"}, {"name": "a", "kind": "Group"}]}
    live = {"subjects": [{"name": "a", "kind": "User"}, {"name": "b", "kind": "Group"}]}
    assert differences(live, wanted) == (Difference("subjects[1].name", "b", "a"),)


def test_replicas_do_not_count_where_an_autoscaler_has_the_say() -> None:
    live = changed("obj['spec']['replicas'] = 7; box['image'] = 'shop:2'")
    assert differences(live, WEB, scaled=True) == (Difference(f"{BOX}.image", "shop:2", "shop:1"),)
    assert len(differences(live, WEB)) == 2


def test_an_autoscaler_names_its_workload_whatever_the_version() -> None:
    autoscaler = {
        "metadata": {"name": "h", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1beta2", "kind": "Deployment", "name": "web"}},
    }
    deployments = Resource("apps", "v1", "deployments", "Deployment")
    assert scaled_by([autoscaler]) == {Scaled("shop", "apps", "Deployment", "web")} == {as_scaled(deployments, WEB)}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "env", "ports", "x", "a.b/c"]), inner, max_size=4)
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.sampled_from(["spec", "data", "env", "name"]), VALUES, max_size=3)


@given(OBJECTS, OBJECTS)
def test_there_is_a_difference_exactly_where_the_json_differs_and_it_has_two_sides(live: Json, wanted: Json) -> None:
    forth, back = differences(live, wanted), differences(wanted, live)
    same = json.dumps(live, sort_keys=True) == json.dumps(wanted, sort_keys=True)
    assert (not forth, not back) == (same, same)
