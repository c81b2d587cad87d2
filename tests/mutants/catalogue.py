"""Every guard that a promise hangs on, taken away once."""

from tests.mutants.leader import LEADER
from tests.mutants.mutant import Mutant

_ALARM, _GATE = "maintd/scheduling/alarm.py", "maintd/rails/gate.py"
_FENCES = "tests/scheduling/test_alarm_fences.py"
_CLAIMS, _CUT_OFF = "tests/claims/test_claims.py", "tests/claims/test_cut_off.py"

CLOCK = (
    Mutant(
        "a wait for the next due instant is as long as it takes, through suspends and clock steps",
        _ALARM,
        "self._start_timer(longest if wait is None else min(wait, longest))",
        "self._start_timer(wait)",
        "tests/scheduling/test_alarm.py::test_after_a_suspend_what_passed_rings_within_thirty_seconds",
    ),
    Mutant(
        "a wake-up that raised is the last one",
        _ALARM,
        "        finally:\n            longest",
        "        else:\n            longest",
        f"{_FENCES}::test_a_store_that_raises_makes_nothing_later_than_a_second",
    ),
    Mutant(
        "a reload builds unchanged jobs anew",
        _ALARM,
        " for name, pending in self._jobs.items() if schedules.get(name) != pending.schedule]",
        " for name, pending in self._jobs.items()]",
        "tests/scheduling/test_alarm.py::test_an_equal_schedule_is_left_alone",
    ),
    Mutant(
        "a reload forgets what had fallen due under the schedule that goes",
        _ALARM,
        "        self._fall_due(pending, now)\n        del self._jobs",
        "        del self._jobs",
        "tests/scheduling/test_alarm.py::test_a_job_that_falls_due_at_the_reload_is_neither_lost_nor_doubled",
    ),
    Mutant(
        "a ring that raises takes the rings after it along",
        _ALARM,
        "            except Exception:  # noqa: BLE001 - one ring that fails must not silence the others\n",
        "            except ZeroDivisionError:\n",
        f"{_FENCES}::test_a_ring_that_raises_silences_no_other",
    ),
    Mutant(
        "the instants that a late loop folded into one ring are not spoken of",
        "maintd/scheduling/runner.py",
        "        if due.before:\n",
        "        if False:\n",
        "tests/runner/test_runner.py"
        "::test_due_instants_that_were_folded_into_one_ring_are_a_missed_record_with_their_count",
    ),
    Mutant(
        "a job that still runs is started beside itself",
        "maintd/scheduling/admission.py",
        "        if name in self.busy:\n",
        "        if False:\n",
        "tests/runner/test_runner.py::test_a_job_still_running_is_skipped_not_doubled",
    ),
)

CLAIMS = (
    Mutant(
        "what acts or protects is started without a claim",
        "maintd/scheduling/admission.py",
        "claimed = await self._claimed(ring) if ring.claims else self._looked(ring)",
        "claimed = self._looked(ring)",
        f"{_CLAIMS}::test_two_leaders_at_once_start_no_due_instant_twice",
    ),
    Mutant(
        "an instant that was begun before is begun again",
        "maintd/scheduling/judgement.py",
        "    return ring.due <= entry.last_due <= now + FUTURE\n",
        "    return False\n",
        "tests/claims/test_rung_again.py::test_an_instant_whose_run_has_ended_is_not_started_again_by_another",
    ),
    Mutant(
        "a claim whose reply was lost is taken for another's",
        "maintd/scheduling/judgement.py",
        "    if claim is not None and claim.run_id == ring.run_id:\n        return None",
        "    if False:\n        return None",
        f"{_CLAIMS}::test_a_claim_whose_reply_was_lost_is_known_again_and_started_once",
    ),
    Mutant(
        "no fence: an older reign claims after a later one has begun",
        "maintd/scheduling/claims.py",
        "    if epoch and reigning > epoch:\n",
        "    if False:\n",
        f"{_CLAIMS}::test_an_older_reign_claims_nothing_once_a_later_one_has_begun",
    ),
    Mutant(
        "a reign begins whatever reign the state knows",
        "maintd/scheduling/claims.py",
        "    if entries.get(FENCE, BLANK).epoch >= epoch:\n",
        "    if False:\n",
        f"{_CLAIMS}::test_a_reign_that_is_not_the_latest_cannot_begin",
    ),
    Mutant(
        "a claim does not say in which reign it was made",
        "maintd/scheduling/claims.py",
        "            epoch=epoch,\n",
        "            epoch=0,\n",
        f"{_CUT_OFF}::test_the_run_of_a_dead_holder_is_interrupted_and_its_claim_closed",
    ),
    Mutant(
        "a claim is closed before there is a record",
        "maintd/scheduling/records.py",
        "        await self._sink.emit(run)\n        cancel =",
        "        await self.close(run)\n        await self._sink.emit(run)\n        cancel =",
        f"{_CUT_OFF}::test_killed_at_any_step_each_start_has_one_record_and_the_state_says_the_same",
    ),
    Mutant(
        "whatever was cut off is run again",
        "maintd/scheduling/runner.py",
        "if claim.due is None or claim.rerun_of or not job.kind.idempotent:",
        "if claim.due is None or claim.rerun_of:",
        f"{_CUT_OFF}::test_only_what_is_idempotent_and_in_time_is_run_again_and_only_once",
    ),
    Mutant(
        "what is in hand already is caught up with",
        "maintd/scheduling/catchup.py",
        "    accounted = max(accounted, in_hand or accounted)\n",
        "",
        "tests/claims/test_catch_up.py::test_what_is_in_hand_here_is_not_found_missing",
    ),
)

WRITES = (
    Mutant(
        "a deletion does not say which object it means",
        "maintd/cluster/writer.py",
        '"preconditions": {"uid": ref.uid, "resourceVersion": resource_version}',
        '"preconditions": {"resourceVersion": resource_version}',
        "tests/cluster/test_cluster_objects.py::test_a_delete_says_which_object_is_meant_and_as_it_was_when",
    ),
    Mutant(
        "a deletion does not say which version was judged",
        "maintd/cluster/writer.py",
        '"preconditions": {"uid": ref.uid, "resourceVersion": resource_version}',
        '"preconditions": {"uid": ref.uid}',
        "tests/rails/test_gate_deletes.py::test_a_pod_that_changes_between_its_evidence_and_its_delete_survives",
    ),
    Mutant(
        "the evidence of an object is written when its turn to be deleted has come",
        _GATE,
        '            await self._phase("evidence written", granted, self._prove)\n',
        "",
        "tests/rails/test_gate_deletes.py::test_all_evidence_is_written_before_the_first_delete",
    ),
    Mutant(
        "max_count is one too many",
        "maintd/rails/plan.py",
        "    candidates = [ticket for ticket in tickets if ticket.result is None]\n",
        "    candidates = [ticket for ticket in tickets if ticket.result is None]\n"
        '    limits = limits.model_copy(update={"max_count": limits.max_count + 1})\n',
        "tests/rails/test_gate_limits.py::test_max_count_takes_the_oldest_and_names_the_rest",
    ),
    Mutant(
        "abort_over never stops anything",
        "maintd/rails/plan.py",
        "    if ceiling is None or candidates <= ceiling:\n",
        "    if True:\n",
        "tests/rails/test_gate_limits.py::test_more_candidates_than_abort_over_change_nothing_at_all",
    ),
    Mutant(
        "what has used up per_day goes on",
        "maintd/rails/ledger.py",
        "    return min(wanted, limits.per_day - today.count)\n",
        "    return wanted\n",
        "tests/rails/test_gate_limits.py::test_per_day_leaves_what_is_over_it",
    ),
    Mutant(
        "a dry run acts",
        _GATE,
        ' if self._scope.mode == "act" else self._rehearse(chosen, now))',
        " if chosen else self._rehearse(chosen, now))",
        "tests/rails/test_gate_dry_run.py::test_a_dry_run_plans_the_same_and_writes_nothing",
    ),
    Mutant(
        "ages are counted by this machine's clock",
        "maintd/kinds/act/cleanup_pods.py",
        "pods, meant, now = pods + len(page.items), meant + len(mine), page.server_time",
        "pods, meant = pods + len(page.items), meant + len(mine)",
        "tests/kinds_cleanup/test_cleanup_clock.py::test_ages_are_counted_by_the_api_servers_clock",
    ),
)

STORE = (
    Mutant(
        "the manifest of a backup is written first",
        "maintd/kinds/protect/backup.py",
        "    results = await Lists(",
        '    await ctx.store.create(f"{folder}/manifest.json", b"{}")\n    results = await Lists(',
        "tests/kinds_backup/test_backup_not_whole.py::test_a_store_that_fails_leaves_no_manifest",
    ),
    Mutant(
        "the newest backup that was verified goes like any other",
        "maintd/objects/backup_retention.py",
        "for each in _newest(whole, lambda each: each.verified))\n",
        "for each in ())\n",
        "tests/prune/test_backup_prune.py"
        "::test_the_newest_complete_and_the_newest_verified_of_each_job_survive_every_history",
    ),
    Mutant(
        "whatever object is in the way is taken for our own",
        "maintd/storage/gcs.py",
        "        if found != nonce:\n",
        "        if False:\n",
        "tests/storage/test_bucket.py::test_a_stranger_s_object_of_the_same_name_stays_as_it_is",
    ),
    Mutant(
        "the state's write whose reply was lost is a failure, whoever wrote it",
        "maintd/scheduling/homes.py",
        "            if await self._written_by() != nonce:\n                raise\n",
        "            raise\n",
        "tests/runner/test_state_in_cluster.py::test_a_write_whose_reply_was_of_no_use_is_counted_once",
    ),
    Mutant(
        "a list that began anew is one list with what was read before",
        "maintd/kinds/act/cleanup_pods.py",
        "            pods, meant, verdicts = 0, 0, []\n",
        "            pass\n",
        "tests/kinds_cleanup/test_cleanup_lists.py::test_a_list_that_is_started_over_counts_each_pod_once",
    ),
    Mutant(
        "a probe whose run was stopped keeps its thread until its own timeout",
        "maintd/probe/curl.py",
        "            given_up.set()\n",
        "            pass\n",
        "tests/probe/test_probe_sample.py::test_a_cancelled_sample_gives_its_thread_back_long_before_its_timeout",
    ),
)

MUTANTS = (*CLOCK, *CLAIMS, *LEADER, *WRITES, *STORE)
