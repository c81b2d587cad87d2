"""What the sandbox does not do it says, with a 501: silence would be taken for an answer."""

import aiohttp
import pytest

from maintd.core.rules import Rule

SHELF = "/api/v1/namespaces/default/configmaps"
APPS = "/apis/apps/v1/namespaces/default/deployments"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"


async def ask(sandbox, method, path, *, user="admin", content="application/json", body=b"{}"):
    headers = {"Authorization": f"Bearer {sandbox.token(user)}", "Content-Type": content}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, sandbox.url + path, data=body) as reply,
    ):
        return reply.status, await reply.json()


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", f"{SHELF}?watch=true", "application/json"),
        ("GET", f"{SHELF}?watch=1", "application/json"),
        ("GET", f"{SHELF}?resourceVersion=1&resourceVersionMatch=Exact", "application/json"),
        ("DELETE", SHELF, "application/json"),
        ("PATCH", f"{SHELF}/kube-root-ca.crt", "application/apply-patch+yaml"),
        ("PATCH", f"{SHELF}/kube-root-ca.crt", "application/json-patch+json"),
        ("PATCH", f"{SHELF}/kube-root-ca.crt", "application/strategic-merge-patch+json"),
        ("POST", SHELF, "application/yaml"),
        ("PATCH", f"{APPS}/a/scale", "application/merge-patch+json"),
        ("POST", "/api/v1/namespaces/default/pods/p/eviction", "application/json"),
        ("POST", "/api/v1/namespaces/default/pods/p/exec", "application/json"),
        ("PUT", "/api/v1/namespaces/default/finalize", "application/json"),
        ("DELETE", f"{SHELF}/kube-root-ca.crt?propagationPolicy=Foreground", "application/json"),
        ("DELETE", f"{SHELF}/kube-root-ca.crt?propagationPolicy=Orphan", "application/json"),
        ("GET", "/openapi/v3", "application/json"),
        ("GET", "/metrics", "application/json"),
    ],
)
async def test_it_is_a_501_that_names_what_was_asked(sandbox, method, path, content):
    code, status = await ask(sandbox, method, path, content=content)

    assert (code, status["kind"], status["reason"]) == (501, "Status", "NotImplemented")
    assert status["message"].startswith("the sandbox does not do this: ")


async def test_a_job_is_not_deleted_by_the_default_that_would_orphan_its_pods(sandbox):
    sandbox.put({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "default"}})
    path = "/apis/batch/v1/namespaces/default/jobs/j"

    orphaned = await ask(sandbox, "DELETE", path)
    background = await ask(sandbox, "DELETE", f"{path}?propagationPolicy=Background")

    assert (orphaned[0], background[0]) == (501, 200)


async def test_nobody_but_the_admin_hands_out_rights(sandbox):
    sandbox.grant("maintd", [Rule("roles.rbac.authorization.k8s.io", "create", namespace="default")])
    body = b'{"metadata":{"name":"r"},"rules":[]}'

    codes = [(await ask(sandbox, "POST", ROLES, user=user, body=body))[0] for user in ("maintd", "admin")]

    assert codes == [501, 201]
