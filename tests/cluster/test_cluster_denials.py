"""Of what the API server says against a write, only what is known to be its own words is passed on."""

import pytest

from maintd.cluster.denials import IMMUTABLE, why


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            'pods "a" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=2, limited: pods=2',
            "ResourceQuota compute of the namespace is full",
        ),
        (
            "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'no-maps' denied request: canary",
            "ValidatingAdmissionPolicy no-maps of the cluster denies it",
        ),
        (
            'admission webhook "hook.example.com" denied the request: canary',
            "the admission webhook hook.example.com denies it",
        ),
        ("namespace a is being terminated", "the namespace is being deleted"),
        (
            'Service "a" is invalid: spec.ports[0].nodePort: Invalid value: 30081: provided port is already allocated',
            "another Service has that address or port",
        ),
        ('Deployment.apps "a" is invalid: spec.selector: Invalid value: {"canary": 1}: field is immutable', IMMUTABLE),
        ('ConfigMap "a" is invalid: data: Forbidden: field is immutable when `immutable` is set', IMMUTABLE),
        ("exceeded quota: canary", ""),
        ("canary", ""),
        (None, ""),
    ],
)
def test_the_cause_is_told_in_words_of_our_own(message: object, said: str) -> None:
    assert why(message) == said
