"""The files under deploy/, read as they are."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def base() -> dict[str, Any]:
    """Every object of the base, by `Kind/name`."""
    folder = ROOT / "deploy/base"
    files = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    objects = [obj for name in files for obj in yaml.safe_load_all((folder / name).read_text()) if obj]
    return {f"{obj['kind']}/{obj['metadata']['name']}": obj for obj in objects}


@pytest.fixture(scope="session")
def pod(base) -> dict[str, Any]:
    """The template that the Deployment makes pods of."""
    found: dict[str, Any] = base["Deployment/maintd"]["spec"]["template"]
    return found
