"""What age makes of Secrets, who can open it, and what is said of keys that are none."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from pyrage import x25519

from maintd.cli import keys
from maintd.core.errors import ConfigError, Denied, Unreadable
from maintd.objects.age import GROWTH, MAX_RECIPIENTS, Identities, encrypt, recipient
from maintd.objects.backup_manifest import MAX_FILE

PLAIN = b"---\napiVersion: v1\nkind: Secret\n" * 10


def new() -> tuple[str, str]:
    """A private key and its recipient."""
    identity = x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def test_whoever_has_one_of_the_keys_opens_it() -> None:
    (one, first), (two, second) = new(), new()

    sealed = encrypt(PLAIN, [first, second])

    assert PLAIN[:20] not in sealed
    assert [Identities(one).opened(sealed), Identities(two).opened(sealed)] == [PLAIN, PLAIN]


def test_each_encryption_is_other_bytes() -> None:
    _, public = new()

    assert encrypt(PLAIN, [public]) != encrypt(PLAIN, [public])


def test_a_file_of_age_keygen_is_read_with_its_comments() -> None:
    private, public = new()

    found = Identities(f"# created: 2026-11-22T03:00:00Z\n# public key: {public}\n{private}\n\n")

    assert found.recipients == (public,)


def test_another_key_is_told_from_damage() -> None:
    (_, public), (other, known) = new(), new()

    with pytest.raises(Denied) as denied:
        Identities(other).opened(encrypt(PLAIN, [public]))

    assert str(denied.value) == f"it is encrypted for others; the identities given are of {known}"


def test_every_flipped_byte_and_every_cut_is_noticed() -> None:
    private, public = new()
    sealed, identities = encrypt(PLAIN[:40], [public]), Identities(private)
    damaged = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    damaged += [sealed[:end] for end in range(len(sealed))] + [sealed + b"x", b"\0" * 100]

    for data in damaged:
        with pytest.raises((Denied, Unreadable)):
            identities.opened(data)


@pytest.mark.parametrize(
    "text",
    ["", "age1", "age1qqqq", "ssh-ed25519 AAAA", new()[1][:-1] + "b", f" {new()[1]}"],
    ids=["empty", "prefix", "short", "ssh", "mistyped", "indented"],
)
def test_what_is_no_recipient_is_refused_with_the_way_to_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"^this is no age recipient; age-keygen -o key\.txt makes a key") as refused:
        recipient(text)

    assert len(text) < 5 or text not in str(refused.value)


@pytest.mark.parametrize("spell", [str, str.lower, lambda text: f"  {text}", lambda text: text[:30]])
def test_a_private_key_in_the_place_of_a_recipient_is_refused_and_not_repeated(spell: Callable[[str], str]) -> None:
    private = spell(new()[0])

    with pytest.raises(ValueError, match="private key, which must never be on the cluster") as refused:
        recipient(private)

    assert private.strip()[16:] not in str(refused.value)


def test_no_way_of_printing_identities_shows_them() -> None:
    private, _ = new()
    found = Identities(private)

    assert private not in f"{found!r} {found} {vars(found)}"


def test_the_largest_file_of_a_backup_stays_within_its_bounds() -> None:
    _, public = new()

    assert len(encrypt(b"x" * (MAX_FILE - GROWTH), [public] * MAX_RECIPIENTS)) <= MAX_FILE


def test_an_identity_comes_from_a_file(tmp_path: Path) -> None:
    private, public = new()
    (tmp_path / "key.txt").write_text(private)

    found = keys.identities(tmp_path / "key.txt")

    assert found is not None
    assert found.recipients == (public,)
    assert keys.identities(None) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it holds no age identity, AGE-SECRET-KEY-1…; give the file that age-keygen -o wrote"),
        ("AGE-SECRET-KEY-1QQQQ", "it is no file of age identities, AGE-SECRET-KEY-1…, as age-keygen writes them"),
        ("age1qqqqqq", "it is no file of age identities, AGE-SECRET-KEY-1…, as age-keygen writes them"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_holds_no_identity_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "key.txt"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ConfigError) as refused:
        keys.identities(file)

    assert str(refused.value) == f"{file}: {said}"


@pytest.mark.cluster
def test_debians_age_opens_it_and_is_opened(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    age, keygen = need_tool("age"), need_tool("age-keygen")
    key = tmp_path / "key.txt"
    subprocess.run([keygen, "-o", key], check=True, capture_output=True)
    public = subprocess.run([keygen, "-y", key], check=True, capture_output=True, text=True).stdout.strip()

    opened = subprocess.run([age, "-d", "-i", key], input=encrypt(PLAIN, [public]), check=True, capture_output=True)
    sealed = subprocess.run([age, "-r", public], input=PLAIN, check=True, capture_output=True)

    assert opened.stdout == PLAIN
    assert Identities(key.read_text()).opened(sealed.stdout) == PLAIN
