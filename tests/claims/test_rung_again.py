"""An instant that has had its run is not started again, whoever rings it, and however long after."""


async def test_an_instant_whose_run_has_ended_is_not_started_again_by_another(realm, make):
    first, second, due = realm.replica("a", epoch=1), realm.replica("b", epoch=1), realm.now()
    await first.lead()
    first.ring(make(), due)
    [ended] = await first.records(1)
    second.ring(make(), due)
    [kept] = await second.records(1)

    assert (ended.status, kept.status) == ("ok", "skipped")
    assert second.told.begun == []
