"""What a replacement carries over from the live object: what the server wrote, and nothing that somebody added."""

from maintd.core.resource import Resource
from maintd.objects.carrying import carried
from maintd.objects.cleaning import clean

SERVICES = Resource("", "v1", "services", "Service")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
HEAD = {"name": "a", "namespace": "b"}
SERVERS = {"uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-11-22T03:00:00Z"}


def test_a_service_keeps_its_addresses_and_ports_and_loses_what_was_added():
    wanted = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": HEAD,
        "spec": {
            "type": "NodePort",
            "selector": {"app": "a"},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}, {"name": "new", "port": 90, "protocol": "TCP"}],
        },
    }
    live = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": HEAD | SERVERS | {"labels": {"added": "since"}, "managedFields": [{"manager": "x"}]},
        "spec": {
            "type": "NodePort",
            "selector": {"app": "a", "added": "since"},
            "clusterIP": "10.0.0.7",
            "clusterIPs": ["10.0.0.7"],
            "ports": [
                {"name": "added", "port": 70, "protocol": "TCP", "nodePort": 30001},
                {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30002},
            ],
        },
        "status": {"loadBalancer": {}},
    }

    assert carried(SERVICES, wanted, live) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": HEAD | SERVERS,
        "spec": {
            "type": "NodePort",
            "selector": {"app": "a"},
            "clusterIP": "10.0.0.7",
            "clusterIPs": ["10.0.0.7"],
            "ports": [
                {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30002},
                {"name": "new", "port": 90, "protocol": "TCP"},
            ],
        },
        "status": {"loadBalancer": {}},
    }


def test_a_claim_stays_bound_and_protected_with_the_finalizers_of_both():
    bound = {"pv.kubernetes.io/bound-by-controller": "yes", "pv.kubernetes.io/bind-completed": "yes"}
    wanted = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": HEAD | {"finalizers": ["example.com/f"]}}
    wanted["spec"] = {"accessModes": ["ReadWriteOnce"]}
    live = {
        "metadata": HEAD
        | SERVERS
        | {"annotations": bound | {"added": "since"}, "finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "pv-1"},
    }

    assert carried(CLAIMS, wanted, live) == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": HEAD
        | SERVERS
        | {"annotations": bound, "finalizers": ["example.com/f", "kubernetes.io/pvc-protection"]},
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "pv-1"},
    }


def test_replicas_that_an_autoscaler_chose_stay():
    wanted = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": HEAD, "spec": {"replicas": 2, "paused": False}}
    live = {"metadata": HEAD | SERVERS, "spec": {"replicas": 5, "paused": True}}

    scaled, by_hand = (carried(DEPLOYMENTS, wanted, live, scaled=each)["spec"] for each in (True, False))

    assert (scaled, by_hand) == ({"replicas": 5, "paused": False}, {"replicas": 2, "paused": False})


def test_owners_and_the_revision_stay_and_what_is_written_cleans_to_what_was_wanted():
    live = {
        "metadata": HEAD
        | SERVERS
        | {
            "annotations": {"deployment.kubernetes.io/revision": "4"},
            "ownerReferences": [{"uid": "o", "kind": "App", "name": "o", "apiVersion": "v1"}],
        },
        "spec": {"template": {"metadata": {"creationTimestamp": None}, "spec": {"volumes": [{"emptyDir": {}}]}}},
    }
    wanted = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": HEAD | {"annotations": {"mine": "1"}}}
    wanted["spec"] = {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"volumes": [{"emptyDir": {}}]}}}

    found = carried(DEPLOYMENTS, wanted, live)

    assert found["metadata"]["annotations"] == {"mine": "1", "deployment.kubernetes.io/revision": "4"}
    assert found["metadata"]["ownerReferences"] == live["metadata"]["ownerReferences"]
    assert clean(DEPLOYMENTS, found) == wanted
