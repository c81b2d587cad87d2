"""Who may do what. Run against the sandbox and, in `make test-cluster`, a real control plane."""

import json

import pytest

from maintd.core.rules import Rule

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
REVIEWS_OF_OTHERS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
REVIEWS_OF_ONESELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture
async def space(cluster_backend):
    return await cluster_backend.namespace()


def asker(backend, kubeconfig):
    """Requests as the user of a kubeconfig, and that user's name."""
    token = json.loads(kubeconfig.read_text())["users"][0]["user"]["token"]

    async def ask(method, path, obj=None, **more):
        return await backend.request(method, path, obj, token=token, **more)

    return ask


async def test_without_a_token_one_is_anonymous(cluster_backend):
    refused = await cluster_backend.request("GET", "/api/v1/namespaces/default/pods", token="")
    path = await cluster_backend.request("GET", "/api", token="")
    version = await cluster_backend.request("GET", "/version", token="")

    why = 'User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"'
    assert (refused.status, refused.reason, refused.json["message"]) == (403, "Forbidden", f"pods is forbidden: {why}")
    assert (path.status, path.json["message"]) == (403, 'forbidden: User "system:anonymous" cannot get path "/api"')
    assert version.status == 200


async def test_an_unknown_token_is_a_401(cluster_backend):
    answer = await cluster_backend.request("GET", "/version", token="nobodys")

    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    assert (answer.status, answer.json) == (
        401,
        head | {"message": "Unauthorized", "reason": "Unauthorized", "code": 401},
    )


@pytest.mark.parametrize("path", ["/api", "/apis", "/apis/apps/v1", "/version", "/readyz"])
async def test_whoever_is_known_may_discover(cluster_backend, path):
    ask = asker(cluster_backend, await cluster_backend.grant([]))

    assert (await ask("GET", path)).status == 200


async def test_a_rule_gives_its_verbs_on_its_resource_in_its_namespace(cluster_backend, space):
    ask = asker(cluster_backend, await cluster_backend.grant([Rule("configmaps", "create", "list", namespace=space)]))
    path = f"/api/v1/namespaces/{space}"

    answers = [
        await ask("GET", f"{path}/configmaps"),
        await ask("POST", f"{path}/configmaps", {"metadata": {"name": "a"}}),
        await ask("GET", f"{path}/configmaps/a"),
        await ask("DELETE", f"{path}/configmaps/a"),
        await ask("GET", f"{path}/secrets"),
        await ask("GET", "/api/v1/configmaps"),
        await ask("GET", "/api/v1/namespaces/default/configmaps"),
    ]

    assert [answer.status for answer in answers] == [200, 201, 403, 403, 403, 403, 403]


async def test_a_refusal_names_user_verb_resource_group_and_namespace(cluster_backend, space):
    kubeconfig = await cluster_backend.grant([])
    ask = asker(cluster_backend, kubeconfig)
    account = kubeconfig.stem

    listed = await ask("GET", f"/apis/apps/v1/namespaces/{space}/deployments")
    one = await ask("GET", f"/api/v1/namespaces/{space}/pods/a/log")
    nodes = await ask("GET", "/api/v1/nodes")

    user = f'User "system:serviceaccount:{account}:account" cannot'
    where = f'in the namespace "{space}"'
    assert [(answer.json["message"], answer.json["details"]) for answer in (listed, one, nodes)] == [
        (
            f'deployments.apps is forbidden: {user} list resource "deployments" in API group "apps" {where}',
            {"group": "apps", "kind": "deployments"},
        ),
        (
            f'pods "a" is forbidden: {user} get resource "pods/log" in API group "" {where}',
            {"name": "a", "kind": "pods"},
        ),
        (
            f'nodes is forbidden: {user} list resource "nodes" in API group "" at the cluster scope',
            {"kind": "nodes"},
        ),
    ]


async def test_what_is_not_allowed_is_refused_before_it_is_looked_for(cluster_backend):
    ask = asker(cluster_backend, await cluster_backend.grant([]))

    paths = ("/api/v1/namespaces/nowhere/pods/a", "/apis/nothing.example.com/v1/things", "/nothing")
    assert [(await ask("GET", path)).status for path in paths] == [403, 403, 403]


async def test_a_cluster_rule_holds_in_every_namespace(cluster_backend, space):
    ask = asker(cluster_backend, await cluster_backend.grant([Rule("configmaps", "list"), Rule("nodes", "get")]))

    paths = ("/api/v1/configmaps", f"/api/v1/namespaces/{space}/configmaps", "/api/v1/nodes/none", "/api/v1/nodes")
    assert [(await ask("GET", path)).status for path in paths] == [200, 200, 404, 403]


async def test_a_cluster_role_that_a_namespace_binds_holds_there_and_nowhere_else(cluster_backend, space):
    kubeconfig = await cluster_backend.grant([])
    ask = asker(cluster_backend, kubeconfig)
    rbac = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": space}}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    await cluster_backend.apply(role | {"rules": rules})
    binding = {"apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": {"name": "b", "namespace": space}}
    subject = {"kind": "ServiceAccount", "namespace": kubeconfig.stem, "name": "account"}
    reference = {"apiGroup": rbac, "kind": "ClusterRole", "name": space}
    await cluster_backend.apply(binding | {"subjects": [subject], "roleRef": reference})

    paths = (f"/api/v1/namespaces/{space}/configmaps", "/api/v1/namespaces/default/configmaps", "/api/v1/configmaps")
    assert [(await ask("GET", path)).status for path in paths] == [200, 403, 403]


async def test_a_rule_with_names_is_for_those_objects_only(cluster_backend, space):
    rule = Rule("configmaps", "get", "list", "create", namespace=space, names=["mine"])
    ask = asker(cluster_backend, await cluster_backend.grant([rule]))
    path = f"/api/v1/namespaces/{space}/configmaps"
    await cluster_backend.request("POST", path, {"metadata": {"name": "mine"}})

    answers = [
        await ask("GET", f"{path}/mine"),
        await ask("GET", f"{path}/other"),
        await ask("GET", path),
        await ask("POST", path, {"metadata": {"name": "mine"}}),
    ]

    assert [answer.status for answer in answers] == [200, 403, 403, 403]


async def test_a_subresource_is_a_right_of_its_own(cluster_backend, space):
    ask = asker(cluster_backend, await cluster_backend.grant([Rule("pods/log", "get", namespace=space)]))
    path = f"/api/v1/namespaces/{space}/pods/none"

    answers = [await ask("GET", f"{path}/log"), await ask("GET", path), await ask("GET", f"{path}/status")]

    assert [answer.status for answer in answers] == [404, 403, 403]


async def test_a_right_that_is_taken_away_is_gone(cluster_backend, space):
    """Both servers answer from the bindings as they are; the real one may take a moment to see them."""
    kubeconfig = await cluster_backend.grant([Rule("configmaps", "list", namespace=space)])
    ask = asker(cluster_backend, kubeconfig)
    path = f"/api/v1/namespaces/{space}/configmaps"
    before = await ask("GET", path)
    bindings = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{space}/rolebindings"
    for binding in (await cluster_backend.request("GET", bindings)).json["items"]:
        await cluster_backend.request("DELETE", f"{bindings}/{binding['metadata']['name']}")

    token = json.loads(kubeconfig.read_text())["users"][0]["user"]["token"]
    await cluster_backend.wait_for(path, status=403, token=token)

    assert before.status == 200


class TestSelfSubjectAccessReview:
    """The question `may I`, answered without the deed."""

    @pytest.fixture
    async def ask(self, cluster_backend, space):
        rules = [
            Rule("pods", "list", namespace=space),
            Rule("deployments.apps/scale", "patch", namespace=space),
            Rule("configmaps", "get", namespace=space, names=["mine"]),
            Rule("nodes", "list"),
        ]
        return asker(cluster_backend, await cluster_backend.grant(rules))

    @pytest.mark.parametrize(
        ("attributes", "allowed"),
        [
            ({"verb": "list", "resource": "pods", "namespace": "{space}"}, True),
            ({"verb": "list", "resource": "pods"}, False),
            ({"verb": "delete", "resource": "pods", "namespace": "{space}"}, False),
            ({"verb": "list", "resource": "pods", "namespace": "default"}, False),
            ({"verb": "list", "resource": "pods", "group": "apps", "namespace": "{space}"}, False),
            ({"verb": "list", "resource": "nodes"}, True),
            ({"verb": "list", "resource": "nodes", "namespace": "{space}"}, True),
            (
                {
                    "verb": "patch",
                    "group": "apps",
                    "resource": "deployments",
                    "subresource": "scale",
                    "namespace": "{space}",
                },
                True,
            ),
            ({"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "{space}"}, False),
            ({"verb": "get", "resource": "configmaps", "name": "mine", "namespace": "{space}"}, True),
            ({"verb": "get", "resource": "configmaps", "namespace": "{space}"}, False),
            ({"verb": "get", "resource": "nothing", "namespace": "{space}"}, False),
        ],
    )
    async def test_answers_for_a_resource(self, ask, space, attributes, allowed):
        asked = {key: value.format(space=space) for key, value in attributes.items()}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}

        answer = await ask("POST", REVIEWS, body | {"spec": {"resourceAttributes": asked}})

        assert (answer.status, answer.json["kind"], answer.json["status"]["allowed"]) == (
            201,
            "SelfSubjectAccessReview",
            allowed,
        )

    @pytest.mark.parametrize(("path", "allowed"), [("/version", True), ("/metrics", False)])
    async def test_answers_for_a_path(self, ask, path, allowed):
        answer = await ask("POST", REVIEWS, {"spec": {"nonResourceAttributes": {"verb": "get", "path": path}}})

        assert (answer.status, answer.json["status"]["allowed"]) == (201, allowed)

    @pytest.mark.parametrize("body", [{}, {"spec": {}}])
    async def test_without_a_question_is_a_422(self, ask, body):
        answer = await ask("POST", REVIEWS, body)

        assert (answer.status, answer.reason) == (422, "Invalid")

    async def test_the_admin_may_everything(self, cluster_backend):
        spec = {"resourceAttributes": {"verb": "delete", "resource": "nodes"}}

        answer = await cluster_backend.request("POST", REVIEWS, {"spec": spec})

        assert answer.json["status"]["allowed"] is True


class TestSubjectAccessReview:
    """The question `may they`: answered to those who may ask it, from the name and the groups that are given."""

    @pytest.fixture
    async def account(self, cluster_backend, space):
        rules = [Rule("pods", "list", namespace=space), Rule("nodes", "list")]
        return (await cluster_backend.grant(rules)).stem

    @pytest.mark.parametrize(
        ("attributes", "allowed"),
        [
            ({"verb": "list", "resource": "pods", "namespace": "{space}"}, True),
            ({"verb": "list", "resource": "nodes"}, True),
            ({"verb": "list", "resource": "pods"}, False),
            ({"verb": "delete", "resource": "pods", "namespace": "{space}"}, False),
        ],
    )
    async def test_answers_for_a_service_account(self, cluster_backend, space, account, attributes, allowed):
        asked = {key: value.format(space=space) for key, value in attributes.items()}
        spec = {"user": f"system:serviceaccount:{account}:account", "resourceAttributes": asked}

        answer = await cluster_backend.request("POST", REVIEWS_OF_OTHERS, {"spec": spec})

        assert (answer.status, answer.json["kind"], answer.json["status"]["allowed"]) == (
            201,
            "SubjectAccessReview",
            allowed,
        )

    @pytest.mark.parametrize(("groups", "allowed"), [([], False), (["system:authenticated"], True)])
    async def test_no_group_is_added_to_those_that_are_given(self, cluster_backend, account, groups, allowed):
        user = f"system:serviceaccount:{account}:account"
        asked = {"verb": "get", "path": "/api"}
        spec = {"user": user, "groups": groups, "nonResourceAttributes": asked}

        answer = await cluster_backend.request("POST", REVIEWS_OF_OTHERS, {"spec": spec})

        assert answer.json["status"]["allowed"] is allowed

    async def test_groups_alone_can_be_asked_about(self, cluster_backend):
        spec = {"groups": ["system:masters"], "resourceAttributes": {"verb": "delete", "resource": "nodes"}}

        answer = await cluster_backend.request("POST", REVIEWS_OF_OTHERS, {"spec": spec})

        assert answer.json["status"]["allowed"] is True

    async def test_it_is_a_right_to_ask(self, cluster_backend, space):
        spec = {"user": "ada", "resourceAttributes": {"verb": "list", "resource": "pods", "namespace": space}}
        right = Rule("subjectaccessreviews.authorization.k8s.io", "create")
        without = asker(cluster_backend, await cluster_backend.grant([]))
        holder = asker(cluster_backend, await cluster_backend.grant([right]))

        answers = [await ask("POST", REVIEWS_OF_OTHERS, {"spec": spec}) for ask in (without, holder)]

        assert [answer.status for answer in answers] == [403, 201]

    @pytest.mark.parametrize(
        "spec", [{}, {"user": "ada"}, {"resourceAttributes": {"verb": "list", "resource": "pods"}}]
    )
    async def test_without_a_question_or_anybody_to_ask_about_is_a_422(self, cluster_backend, spec):
        answer = await cluster_backend.request("POST", REVIEWS_OF_OTHERS, {"spec": spec})

        assert (answer.status, answer.reason) == (422, "Invalid")
        assert {cause["field"] for cause in answer.json["details"]["causes"]} == {
            field
            for field, given in (("spec.user", "user"), ("spec.resourceAttributes", "resourceAttributes"))
            if given not in spec
        }


async def test_everybody_may_ask_who_they_are(cluster_backend):
    account = await cluster_backend.grant([])

    answer = await asker(cluster_backend, account)("POST", REVIEWS_OF_ONESELF, {})

    info = answer.json["status"]["userInfo"]
    name = f"system:serviceaccount:{account.stem}:account"
    groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{account.stem}"]
    assert (answer.status, info["username"], sorted(info["groups"])) == (201, name, groups)
