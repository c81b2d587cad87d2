"""Every scenario there is."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import (
    absence,
    api_faults,
    deletes,
    hung,
    limits,
    outage,
    pages,
    rehearsals,
    rotation,
)

SCENARIOS: tuple[Scenario, ...] = (
    *api_faults.SCENARIOS,
    *pages.SCENARIOS,
    *outage.SCENARIOS,
    *rotation.SCENARIOS,
    *hung.SCENARIOS,
    *absence.SCENARIOS,
    *deletes.SCENARIOS,
    *limits.SCENARIOS,
    *rehearsals.SCENARIOS,
)
