"""Into a namespace of another name: what is rewritten, what is only named."""

import pytest

from maintd.core.errors import ConfigError
from maintd.recovery.mapping import mentions, moved, parsed

NAMES = {"hub": "hub-2"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("hub",), "write OLD=NEW"),
        (("hub=",), "write OLD=NEW"),
        (("hub=Hub",), "write OLD=NEW"),
        (("a=b", "a=c"), "a is to become b already"),
        (("a=c", "b=c"), "two namespaces cannot become one"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(given: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parsed(given)


def test_namespaces_objects_subjects_and_claims_of_volumes_are_rewritten() -> None:
    account = {"kind": "ServiceAccount", "name": "hub"}
    binding = {"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "hub"}}
    volume = {"kind": "PersistentVolume", "metadata": {"name": "v"}}

    assert parsed(("hub=hub-2",)) == NAMES
    assert moved({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hub"}}, NAMES) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "hub-2"},
    }
    assert moved(
        binding | {"subjects": [account | {"namespace": "hub"}, account | {"namespace": "x"}, account]}, NAMES
    ) == {
        "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "hub-2"},
        "subjects": [account | {"namespace": "hub-2"}, account | {"namespace": "x"}, account],
    }
    assert moved(volume | {"spec": {"claimRef": {"namespace": "hub", "name": "c"}}}, NAMES) == volume | {
        "spec": {"claimRef": {"namespace": "hub-2", "name": "c"}}
    }
    other = {"kind": "ConfigMap", "metadata": {"name": "hub", "namespace": "x"}}
    assert moved(other, NAMES) == other


def test_what_cannot_be_rewritten_is_named_by_its_field() -> None:
    document = {
        "kind": "ConfigMap",
        "metadata": {"name": "hub", "namespace": "hub-2", "labels": {"space": "hub", "app": "hub-backend"}},
        "data": {
            "DATABASE": "postgres://db.hub.svc.cluster.local:5432/hub",
            "SHORT": "http://db.hub:80/",
            "INNOCENT": "the github hubris of hub owners, www.hub-2.svc, a.hubs",
        },
    }

    assert mentions(document, NAMES) == ("metadata.labels.space", "data.DATABASE", "data.SHORT")
    assert mentions(document, {}) == ()
