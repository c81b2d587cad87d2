"""docs/install.md: what of it can be run without a cloud is run, the rest is parsed."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from maintd.cli import COMMANDS, cli
from maintd.config.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/install.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
VARIABLES = {
    "PROJECT": "om-models",
    "REGION": "us-central1",
    "LOCATION": "us-central1-a",
    "CLUSTER": "omtx-hub-cluster",
    "BUCKET": "om-models-maintd",
    "IMAGE": "us-central1-docker.pkg.dev/om-models/maintd/maintd",
    "VERSION": "0.1.0",
}
GCLOUD = {
    "config set": set(),
    "services enable": set(),
    "container clusters get-credentials": {"--location"},
    "container clusters describe": {"--location", "--format"},
    "container clusters update": {"--location", "--workload-pool", "--enable-managed-prometheus"},
    "container node-pools update": {"--cluster", "--location", "--workload-metadata"},
    "storage buckets create": {
        "--location",
        "--uniform-bucket-level-access",
        "--public-access-prevention",
        "--soft-delete-duration",
    },
    "storage buckets update": {"--retention-period", "--versioning", "--lifecycle-file"},
    "storage ls": set(),
    "artifacts repositories create": {"--repository-format", "--location"},
    "auth configure-docker": set(),
    "builds submit": {"--tag"},
}
"""What is used of gcloud, as its reference has it: https://cloud.google.com/sdk/gcloud/reference."""


def commands(program):
    """Each use of the program as its words: in blocks, and between backticks in the text."""
    text = "\n".join([*BLOCKS, *re.findall(r"`([^`\n]+)`", PAGE)]).replace("\\\n", " ")
    return [words[1:] for line in text.splitlines() for words in spoken(line) if words[:1] == [program] != words]


def spoken(line):
    """The commands of one line, each as its words; what is run in a pod after `--` is one of its own."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    for word in (*lexer, ";"):
        if word == "--" or set(word) <= set(";&|<>()"):
            yield words
            words = []
        elif words or not re.match(r"[A-Z_]+=", word):
            words.append(word)


def bash(script, folder):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **VARIABLES}
    options = ["-eu", "-o", "pipefail"]
    return subprocess.run(
        ["bash", *options, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n", 1)[0][:40] for block in BLOCKS])
def test_a_block_is_one_that_bash_can_read(block):
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_blocks_use_no_variable_that_the_page_does_not_set():
    used = set(re.findall(r"\$\{?([A-Z_]+)", "".join(BLOCKS)))
    set_there = set(re.findall(r"\b([A-Z_]+)=", "".join(BLOCKS)))

    assert used - set_there - {"PWD", "EDITOR"} == set()
    assert set(VARIABLES) - set_there == set()


def test_every_maintd_command_and_its_flags_exist():
    for words in commands("maintd"):
        name, *rest = words
        assert name in COMMANDS, words
        command = cli.get_command(click.Context(cli), name)
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert {word.partition("=")[0] for word in rest if word.startswith("-")} - flags == set(), words
    assert {words[0] for words in commands("maintd")} >= {"validate", "render", "doctor", "run", "runs"}


def test_what_is_rendered_is_something_that_can_be_rendered():
    from maintd.cli.render import PRINTED, WRITTEN

    rendered = [words[1] for words in commands("maintd") if words[:1] == ["render"]]
    assert {*rendered} - {*WRITTEN, *PRINTED} == set()
    assert "iam" in rendered


def test_every_target_of_make_exists():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {words[0] for words in commands("make")} - {*targets} == set()
    assert commands("make")


def test_every_gcloud_line_is_one_that_gcloud_has():
    for words in commands("gcloud"):
        [known] = [name for name in GCLOUD if words[: len(name.split())] == name.split()]
        flags = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert flags - GCLOUD[known] == set(), words
    assert len(commands("gcloud")) >= len(GCLOUD)


def test_every_folder_that_kubectl_is_given_comes_from_the_example():
    given = {words[words.index("-k") + 1] for words in commands("kubectl") if "-k" in words}

    assert given == {"deploy/overlays/$CLUSTER"}
    assert "cp -r deploy/overlays/example deploy/overlays/$CLUSTER" in {
        "cp " + " ".join(words) for words in commands("cp")
    }


def test_kubectl_speaks_of_objects_that_are_there(base):
    named = {word for words in commands("kubectl") for word in words if re.match(r"deploy(ment)?/[a-z-]+$", word)}

    assert named == {"deploy/maintd", "deployment/maintd"}
    assert "Deployment/maintd" in base


def test_the_overlay_that_the_page_makes_names_the_image_the_bucket_and_the_cluster(tmp_path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    [block] = [block for block in BLOCKS if block.startswith("cp -r deploy/overlays/example")]

    done = bash(block.partition("kubectl")[0], tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    made = yaml.safe_load((tmp_path / "deploy/overlays/omtx-hub-cluster/kustomization.yaml").read_text())
    given = dict(line.split("=", 1) for line in made["configMapGenerator"][0]["literals"])
    assert made["images"] == [{"name": "maintd", "newName": VARIABLES["IMAGE"], "newTag": "0.1.0"}]
    assert given == {
        "MAINTD_STORAGE": "gs://om-models-maintd/maintd",
        "MAINTD_CLUSTER": "omtx-hub-cluster",
    }
    Settings(storage=given["MAINTD_STORAGE"], cluster=given["MAINTD_CLUSTER"])


def test_a_new_version_replaces_the_tag_and_nothing_else(tmp_path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    shutil.copytree(ROOT / "deploy/overlays/example", tmp_path / "deploy/overlays/omtx-hub-cluster")
    [line] = re.findall(r"^sed -i \"s\|newTag.*$", PAGE, re.MULTILINE)

    done = bash(line, tmp_path)

    overlay = (tmp_path / "deploy/overlays/omtx-hub-cluster/kustomization.yaml").read_text()
    example = (ROOT / "deploy/overlays/example/kustomization.yaml").read_text()
    assert done.returncode == 0
    assert [new for old, new in zip(example.splitlines(), overlay.splitlines(), strict=True) if old != new] == [
        '    newTag: "0.1.0"'
    ]


def test_the_lifecycle_rules_never_touch_a_backup_and_are_about_folders_that_are_written(tmp_path):
    [block] = [block for block in BLOCKS if "lifecycle.json" in block]

    done = bash(block.partition("gcloud")[0], tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    rules = json.loads((tmp_path / "lifecycle.json").read_text())["lifecycle"]["rule"]
    prefixes = [rule["condition"]["matchesPrefix"] for rule in rules]
    written = re.findall(r"^  (\w+/)<", (ROOT / "docs/store.md").read_text(), re.MULTILINE)
    allowed = {f"maintd/omtx-hub-cluster/{folder}" for folder in (*written, "evidence/", "doctor/")} - {
        "maintd/omtx-hub-cluster/backups/"
    }
    assert all(prefixes)
    assert {prefix for of_rule in prefixes for prefix in of_rule} <= allowed
    assert {rule["action"]["type"] for rule in rules} == {"Delete"}


def test_the_patch_for_a_google_service_account_is_about_the_account_that_there_is(base):
    [text] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    [patch] = yaml.safe_load(text)["patches"]

    assert f"{patch['target']['kind']}/{patch['target']['name']}" in base
    assert yaml.safe_load(patch["patch"])["metadata"]["annotations"].keys() == {"iam.gke.io/gcp-service-account"}
