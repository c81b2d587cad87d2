"""Thousands of objects: requests grow in step with them, tasks do not."""

import asyncio

import pytest

from maintd.core.ports import Stored


class Watching:
    """A store that keeps nothing but how many tasks there were."""

    def __init__(self):
        self.tasks = 0

    async def create(self, path, data):
        self.tasks = max(self.tasks, len(asyncio.all_tasks()))
        return Stored(path, len(data), "", len(data), "")


@pytest.mark.parametrize("number", [50, 400])
async def test_three_requests_a_pod_and_as_many_tasks_as_allowed(scene, number):
    pods = [scene.pod(f"p{index:04}") for index in range(number)]
    scene.store = Watching()
    scene.sandbox.requests.clear()

    changes = await scene.delete(pods, max_count=number)

    assert {change.result for change in changes} == {"done"}
    verbs = [line.verb for line in scene.sandbox.requests if line.name]
    assert {verb: verbs.count(verb) for verb in set(verbs)} == {"get": 2 * number, "delete": number}
    others = [line for line in scene.sandbox.requests if not line.name]
    assert len(others) <= 6  # what rights there are, and the list of events
    assert scene.store.tasks < 40
