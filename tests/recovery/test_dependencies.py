"""Secrets and volumes that a restored object cannot do without."""

from maintd.recovery.dependencies import CLAIMS, SECRETS, Dependency, missing, needed

POD = {
    "imagePullSecrets": [{"name": "pull"}],
    "initContainers": [{"envFrom": [{"secretRef": {"name": "init"}}, {"configMapRef": {"name": "no"}}]}],
    "containers": [
        {
            "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "may", "key": "k", "optional": True}}},
                {"name": "C", "value": "no"},
            ]
        }
    ],
    "volumes": [
        {"secret": {"secretName": "volume"}},
        {"projected": {"sources": [{"secret": {"name": "projected"}}, {"configMap": {"name": "no"}}]}},
        {"persistentVolumeClaim": {"claimName": "data"}},
        {"emptyDir": {}},
    ],
}
WANTED = {"pull", "init", "env", "volume", "projected"}


def test_of_whatever_makes_pods_all_that_these_need_is_found() -> None:
    metadata = {"namespace": "a", "name": "x"}
    makers = [
        {"kind": "Pod", "metadata": metadata, "spec": POD},
        {"kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": POD}}},
        {"kind": "CronJob", "metadata": metadata, "spec": {"jobTemplate": {"spec": {"template": {"spec": POD}}}}},
    ]

    expected = {Dependency(SECRETS, "a", name) for name in WANTED} | {Dependency(CLAIMS, "a", "data")}
    assert [needed(each) for each in makers] == [expected] * 3


def test_certificates_of_ingresses_and_pull_secrets_of_accounts_count_too() -> None:
    ingress = {"kind": "Ingress", "metadata": {"namespace": "a"}, "spec": {"tls": [{"secretName": "tls"}, {}]}}
    account = {"kind": "ServiceAccount", "metadata": {"namespace": "b"}, "imagePullSecrets": [{"name": "pull"}]}
    other = {"kind": "CustomResourceDefinition", "metadata": {}, "spec": {"template": "text"}}
    odd = {"kind": "Widget", "metadata": {"namespace": "a"}, "spec": {"template": "text"}}

    found = missing([ingress, account, other, odd], {Dependency(SECRETS, "a", "tls")})

    assert found == [Dependency(SECRETS, "b", "pull")]
