"""Guards of who may act: the lease, the transport, the claims of the dead."""

from tests.mutants.mutant import Mutant

_API, _GUARD = "maintd/cluster/api.py", "tests/cluster/test_cluster_guard.py"
_ELECTOR = "tests/elector/test_elector.py"

LEADER = (
    Mutant(
        "no guard in the transport: a write is sent whoever leads",
        _API,
        "left = self._guard.seconds_left() if request.may_change else math.inf",
        "left = math.inf",
        f"{_GUARD}::test_a_write_without_leave_is_not_sent",
    ),
    Mutant(
        "a write may be under way for longer than the reign lasts",
        _API,
        "        return None if left == math.inf else left\n",
        "        return None\n",
        f"{_GUARD}::test_a_write_that_hangs_is_given_up_before_the_reign_is_over",
    ),
    Mutant(
        "no guard in the gate: a run is not bound to the reign that it was claimed in",
        "maintd/app/contexts.py",
        "            guard=ring.guard,\n",
        "",
        "tests/app/test_app_reign.py::test_a_run_whose_reign_ends_changes_nothing_more_and_is_interrupted",
    ),
    Mutant(
        "an attempt to renew the lease has no deadline of its own",
        "maintd/election/elector.py",
        "async with asyncio.timeout(min(self._lease / 5, max(reign.left, 0.0))):",
        "async with asyncio.timeout(None):",
        f"{_ELECTOR}::test_a_leader_that_is_cut_off_stops_before_another_begins[black hole]",
    ),
    Mutant(
        "a renewal counts from when it was answered",
        "maintd/election/tenant.py",
        '            reign.renewed(self._begun)\n            return ""\n',
        '            reign.renewed(self._clock())\n            return ""\n',
        f"{_ELECTOR}::test_a_renewal_counts_from_when_it_was_begun_not_from_when_it_was_answered",
    ),
    Mutant(
        "a follower counts the lease from when it first saw it, not from when it last changed",
        "maintd/election/sighting.py",
        "        self._free_at = self._clock() + self._wait(record)\n",
        "        self._free_at = self._free_at or self._clock() + self._wait(record)\n",
        f"{_ELECTOR}::test_of_three_that_come_at_once_one_leads_and_the_others_know_it",
    ),
    Mutant(
        "a Lease that was deleted is free at once",
        "maintd/election/sighting.py",
        "return self._seconds if self._looked or self._floor() > 0 else 0.0",
        "return 0.0",
        f"{_ELECTOR}::test_where_the_state_knows_of_a_reign_and_the_lease_is_gone_a_whole_duration_is_waited",
    ),
    Mutant(
        "the epoch is one more than in the Lease, whatever the state knows",
        "maintd/election/sighting.py",
        "return max(self._highest, self._floor()) + 1",
        "return self._highest + 1",
        f"{_ELECTOR}::test_the_epoch_is_higher_than_what_the_state_knows",
    ),
    Mutant(
        "a leader that was told to end stands again once its reign is lost",
        "maintd/election/elector.py",
        "        self._retired.set()\n",
        "        pass\n",
        f"{_ELECTOR}::test_a_leader_that_retires_leads_to_its_end_and_stands_no_more_when_it_is_cut_off[refused]",
    ),
    Mutant(
        "the connections of the lease do not hear what the server asks of the others",
        "maintd/cluster/wire.py",
        "Wire(self.credentials, hurried=False, backpressure=self.backpressure)",
        "Wire(self.credentials, hurried=False)",
        f"{_GUARD}::test_connections_apart_ask_no_guard_and_are_as_patient_as_the_others",
    ),
    Mutant(
        "after a 429 a request that hangs holds all others back",
        "maintd/cluster/backpressure.py",
        "                self._until = self._now() + self._patience\n                return\n",
        "                self._until = self._now() + 3600\n                return\n",
        "tests/cluster/test_cluster_backpressure.py"
        "::test_a_request_that_hangs_holds_the_others_back_no_longer_than_the_server_asked_for",
    ),
    Mutant(
        "the record of a run that was cut off is written by all who find its claim",
        "maintd/scheduling/orphans.py",
        "        async with self._settling.setdefault(claim.run_id, asyncio.Lock()):\n",
        "        if True:\n",
        "tests/claims/test_cut_off.py"
        "::test_who_takes_over_and_the_next_start_of_the_job_find_the_same_claim_and_tell_of_it_once",
    ),
)
