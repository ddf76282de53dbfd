"""Which test shows what of RELIABILITY 4.1, row by row; or why a row cannot be shown here.

A test is named `file::function` below `tests`; a test of this table makes sure that it is there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """By these tests; `but` says what of the row they leave out, and why."""

    tests: tuple[str, ...]
    but: str = ""


_WORKERS = "faults/test_workers.py::"
_REDIS = "faults/test_redis.py::"
_SQL = "faults/test_sql.py::"
_UPSTREAM = "faults/test_upstream.py::"
_BELLS = "faults/test_bells.py::"
_LIMITS = "faults/test_limits.py::"
_LOST = "acceptance/test_worker_lost.py::"
_SHAPES = "functional/test_upstream_shapes.py::"
_CALLS = "unit/workers/test_http_calls.py::"

_FREEZE = "test_worker_when_frozen_past_its_lease_then_it_writes_nothing_any_more"
_IN_MID_STREAM = "test_worker_killed_in_mid_stream_when_resumable_then_the_stream_has_no_seam"
_AFTER_END = "test_worker_killed_after_the_upstream_ended_when_resumable_then_the_rest_is_fetched"
_SPOOL = "test_worker_killed_while_sql_is_away_when_its_result_is_on_disk_then_it_is_written"
_REFUSES_WRITES = "test_redis_refuses_writes_when_under_load_then_all_complete"
_FORGETS_BELLS = "test_redis_forgets_all_bells_when_a_thousand_wait_then_all_are_done"
_DEADLINES = "test_call_when_a_deadline_passes_then_ended_with_its_name"
_BREAKS_OFF = "test_background_when_the_upstream_breaks_off_then_the_stream_ends_as_failed"
_HISTORIES = "protocol/test_histories.py::"
_ANY_ORDER = "test_history_when_anything_happens_in_any_order_then_every_promise_holds"

ROWS: dict[str, Shown] = {
    "F1": Shown(
        (_WORKERS + "test_worker_killed_while_idle_when_another_is_there_then_it_takes_what_comes",),
        "the second within which it starts: machines that run tests are too busy to promise one",
    ),
    "F2": Shown(
        (
            _LOST
            + "test_response_when_its_worker_is_killed_before_the_gate_then_it_runs_again_and_is_paid_once",
        )
    ),
    "F3": Shown(
        (
            _WORKERS + "test_worker_killed_between_gate_and_first_byte"
            "_when_not_resumable_then_failed_and_never_sent_again",
        )
    ),
    "F4": Shown((_WORKERS + _IN_MID_STREAM, _WORKERS + _AFTER_END)),
    "F5": Shown(
        (
            _LOST + "test_stream_when_its_worker_is_killed_then_it_fails_densely_and_is_paid_once",
            _LOST + "test_create_when_its_worker_is_killed_then_the_failed_object_is_its_answer",
        )
    ),
    "F6": Shown((_SQL + _SPOOL, _WORKERS + _AFTER_END)),
    "F7": Shown(
        (_WORKERS + "test_worker_killed_before_its_terminal_event_when_the_row_has_ended_then_others_say_it",)
    ),
    "F8": Shown((_LOST + _FREEZE,)),
    "F9": Shown((_WORKERS + "test_worker_frozen_for_less_than_its_lease_when_thawed_then_it_goes_on",)),
    "F10": Shown(
        (_CALLS + "test_watchdog_when_the_beat_is_dead_then_what_runs_is_given_up",),
        "a thread of a real process cannot be killed from outside, and the product has no failpoints",
    ),
    "F11": Shown(
        (
            _LOST + "test_stream_when_its_worker_is_killed_then_it_fails_densely_and_is_paid_once",
            "unit/workers/test_retry.py::"
            "test_rung_when_nothing_was_sent_then_requeue_until_it_looks_like_poison",
        ),
        "the kernel's OOM killer sends the same SIGKILL",
    ),
    "F12": Shown(
        (
            "acceptance/test_drain.py::"
            "test_worker_told_to_stop_when_the_generation_is_resumable_then_handed_over",
            "acceptance/test_drain.py::"
            "test_worker_told_to_stop_when_the_generation_is_short_then_it_ends_first",
        )
    ),
    "F13": Shown((_WORKERS + "test_rolling_restart_when_under_load_then_no_resumable_request_fails",)),
    "F14": Shown(
        (
            "acceptance/test_api_lost.py::"
            "test_api_when_killed_under_open_streams_then_clients_come_back_without_a_gap",
            "acceptance/test_api_lost.py::test_stream_when_two_apis_serve_halves_of_it_then_they_fit",
        )
    ),
    "F15": Shown(
        (
            "acceptance/test_drain.py::"
            "test_api_told_to_stop_when_streaming_then_cut_between_frames_and_continued",
        )
    ),
    "F16": Shown(
        (_REDIS + _FORGETS_BELLS,),
        "to a worker, an API that dies before it rings and a bell that is lost are the same",
    ),
    "F17": Shown(
        (
            "acceptance/test_repeats.py::test_api_killed_when_the_sdk_repeats_its_request_then_paid_once",
            "functional/test_idempotency.py::test_same_key_when_sent_at_once_by_many_then_one_row",
            "contract/test_store_sweeping.py::test_write_when_the_work_raises_then_nothing_is_kept",
        )
    ),
    "F18": Shown(
        (
            "acceptance/test_redis_lost.py::"
            "test_redis_when_killed_under_load_then_every_response_completes_and_no_stream_has_a_gap",
        )
    ),
    "F19": Shown((_REDIS + _FORGETS_BELLS,)),
    "F20": Shown((_REDIS + "test_redis_restarted_politely_when_jobs_run_then_the_same_worker_goes_on",)),
    "F21": Shown(
        (
            _REDIS + "test_redis_away_when_asked_for_work_then_all_but_streams_is_done",
            _REDIS + "test_waiting_client_when_redis_stays_away_then_it_gets_its_answer",
        ),
        "forty seconds, not five minutes: past every patience that there is",
    ),
    "F22": Shown(
        (
            "acceptance/test_redis_lost.py::"
            "test_redis_when_it_forgets_everything_then_streams_go_on_without_a_cut",
            "acceptance/test_redis_lost.py::"
            "test_stream_when_log_and_worker_are_lost_together_then_it_is_aborted_and_says_so",
        )
    ),
    "F23": Shown(
        (_REDIS + "test_connections_killed_again_and_again_when_under_load_then_all_complete_once",)
    ),
    "F24": Shown(
        (_REDIS + "test_connections_killed_again_and_again_when_under_load_then_all_complete_once",)
    ),
    "F25": Shown(
        (_REDIS + "test_redis_frozen_when_work_comes_then_it_is_done_without_it",),
        "frozen for as long as that work takes, not for a minute; the three seconds of a create: as F1",
    ),
    "F26": Shown(
        (
            _REDIS + "test_redis_half_open_when_it_passes_again_then_streams_go_on",
            _REDIS + "test_pubsub_half_open_when_all_else_passes_then_it_is_noticed",
        )
    ),
    "F27": Shown((_REDIS + _REFUSES_WRITES,)),
    "F28": Shown(
        (_REDIS + _REFUSES_WRITES,),
        "a disk of its own needs root to mount it: a Redis that refuses writes for another reason",
    ),
    "F29": Shown(
        ("unit/cli/test_checks.py::test_redis_when_it_may_evict_then_refused_with_what_to_set",),
    ),
    "F30": Shown(
        (_SQL + "test_connections_terminated_again_and_again_when_under_load_then_nothing_is_lost",)
    ),
    "F31": Shown((_SQL + "test_postgres_crashes_when_results_come_then_they_are_kept",)),
    "F32": Shown((_SQL + _SPOOL,), "seconds, not ten minutes: the spool is used from the first one on"),
    "F33": Shown(
        (_SQL + "test_postgres_read_only_when_asked_for_work_then_503_and_nothing_is_paid",),
        "a full disk is the same to a client of PostgreSQL: writes fail, reads go on",
    ),
    "F34": Shown(
        (
            _SQL + "test_sqlite_locked_for_long_when_under_load_then_503_or_done_and_nothing_is_lost",
            "contract/test_store_sweeping.py::test_store_when_the_file_stays_locked_then_unavailable",
        )
    ),
    "F35": Shown(
        (
            _SQL + "test_pool_when_all_its_connections_are_taken_then_unavailable",
            _SQL + "test_postgres_crashes_when_results_come_then_they_are_kept",
        ),
        "to the API it is a database that is away: that this is 503, and that streams go on, is shown there",
    ),
    "F36": Shown((_SQL + "test_write_when_two_lock_each_other_out_then_both_are_done",)),
    "F37": Shown(
        (
            _SHAPES + "test_create_when_nobody_listens_then_failed_and_never_billed",
            _CALLS + "test_post_when_the_name_does_not_exist_then_unbilled",
        )
    ),
    "F38": Shown(
        (
            "functional/test_refusals.py::"
            "test_create_when_the_upstream_is_at_its_limit_then_retry_after_is_one_that_sdks_obey",
            "unit/workers/test_refusals.py::test_retry_after_when_anything_is_sent_then_within_bounds",
            "functional/test_retries.py::test_refusal_when_it_says_not_now_then_tried_again",
        )
    ),
    "F39": Shown(
        (
            "functional/test_refusals.py::"
            "test_create_when_the_upstream_refuses_then_its_status_in_our_envelope",
            "functional/test_refusals.py::test_create_when_the_upstreams_answer_is_a_page_then_502_in_our_words",
        )
    ),
    "F40": Shown((_CALLS + _DEADLINES, _SHAPES + _BREAKS_OFF)),
    "F41": Shown((_CALLS + _DEADLINES, _SHAPES + _BREAKS_OFF)),
    "F42": Shown(
        (
            _SHAPES + _BREAKS_OFF,
            _SHAPES + "test_background_when_the_upstream_breaks_off_then_it_is_not_paid_again",
        )
    ),
    "F43": Shown(
        (
            _SHAPES + "test_stream_when_the_upstreams_bytes_are_odd_then_ours_are_not",
            _SHAPES + _BREAKS_OFF,
            "unit/shared/test_sse.py::test_event_when_longer_than_its_limit_then_refused",
        )
    ),
    "F44": Shown(
        (
            _SHAPES + "test_stream_when_the_upstream_is_incomplete_then_ours_is_whole",
            _SHAPES + "test_stream_when_every_quirk_comes_at_once_then_ours_is_whole",
        )
    ),
    "F45": Shown(
        (
            "functional/test_refusals.py::test_create_when_the_upstream_redirects_then_nobody_follows",
            _CALLS + "test_post_when_redirected_then_not_followed",
        )
    ),
    "F46": Shown(
        (
            _LIMITS + "test_readers_that_never_read_when_there_are_many_then_others_are_served",
            _LIMITS + "test_reader_that_takes_nothing_when_a_minute_has_passed_then_it_is_dropped",
        ),
        "forty that never read, not two hundred; memory is looked at by the soak",
    ),
    "F47": Shown(
        (
            _LIMITS + "test_clients_that_vanish_when_all_have_gone_then_nothing_of_them_stays",
            "functional/test_endings.py::test_disconnect_when_not_stored_and_streamed_then_it_is_cancelled",
            "functional/test_endings.py::test_disconnect_when_stored_and_streamed_then_it_goes_on_to_its_end",
            "functional/test_endings.py::test_disconnect_when_not_stored_and_blocking_then_it_is_cancelled",
        )
    ),
    "F48": Shown(
        (
            _BELLS + "test_cancel_when_it_races_with_everything_then_one_winner_that_stays",
            "contract/test_store_endings.py::test_ending_when_all_ways_meet_at_once_then_exactly_one_wins",
            _HISTORIES + _ANY_ORDER,
        ),
        "instead of 10^4 runs, protocol/test_interleavings.py searches every interleaving",
    ),
    "F49": Shown(
        (
            _BELLS + "test_delete_when_it_races_with_the_end_then_nothing_comes_back",
            "contract/test_store_removal.py::"
            "test_delete_when_relatives_go_at_the_same_moment_then_none_is_left",
        )
    ),
    "F50": Shown((_BELLS + "test_bells_when_each_is_rung_five_times_and_old_ones_again_then_all_run_once",)),
    "F51": Shown(
        (
            "contract/test_sealing.py::test_seal_when_many_notice_at_once_then_one_terminal_event",
            "contract/test_store_endings.py::test_ending_when_all_ways_meet_at_once_then_exactly_one_wins",
            _HISTORIES + _ANY_ORDER,
        ),
        "each step by many at once; a sweep killed between two steps is one not made",
    ),
    "F52": Shown(
        (
            _WORKERS + "test_worker_whose_clock_is_off_when_leases_are_renewed_then_none_counts_as_lost",
            "architecture/test_clocks.py::test_wall_clock_when_looked_for_then_only_where_it_decides_nothing",
        )
    ),
    "F53": Shown(
        (_LOST + _FREEZE, _HISTORIES + _ANY_ORDER),
        "nobody may set this machine's clock; leases that run out at any moment are the same to the protocol",
    ),
    "F56": Shown((_LIMITS + "test_descriptors_used_up_when_they_are_free_again_then_it_serves",)),
    "F57": Shown(
        (_SQL + "test_result_that_neither_sql_nor_the_disk_takes_when_sql_is_back_then_it_is_written",),
        "a full disk needs root to mount it: a spool that cannot be written for another reason",
    ),
    "F58": Shown(
        (
            _LIMITS + "test_more_work_than_fits_when_it_comes_at_once_then_429_and_what_was_accepted_is_done",
            _LIMITS + "test_clients_that_obey_retry_after_when_all_is_full_then_all_are_served",
        ),
        "goodput and latency: as F1; the benchmark measures them, for 64 clients that are all served",
    ),
    "F59": Shown(
        ("contract/test_store_fairness.py::test_claims_when_one_tenant_floods_then_the_others_take_turns",)
    ),
    "F60": Shown((_LIMITS + "test_network_cut_between_the_api_and_its_stores_when_it_heals_then_it_serves",)),
}
