"""Every scenario there is."""

from tests.faults.scenario import Scenario
from tests.faults.scenarios import absence, api_faults, deletes, limits, rehearsals

SCENARIOS: tuple[Scenario, ...] = (
    *api_faults.SCENARIOS,
    *absence.SCENARIOS,
    *deletes.SCENARIOS,
    *limits.SCENARIOS,
    *rehearsals.SCENARIOS,
)
