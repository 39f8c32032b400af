//! What every store has to do: the same cases for each, and a store opened twice in one place is the same store.

pub(crate) mod batches;
pub(crate) mod calls;
pub(crate) mod concurrency;
pub(crate) mod deletion;
pub(crate) mod fences;
pub(crate) mod listing;
pub(crate) mod outgoing;
pub(crate) mod records;
pub(crate) mod reopening;
pub(crate) mod sweeping;
pub(crate) mod unknown_outcome;
pub(crate) mod values;
pub(crate) mod versions;

use std::sync::Arc;

use goverse_node::StateStore;

/// Where the stores of one case keep what they have.
pub(crate) trait Place: Sync {
    /// An empty place.
    async fn new() -> Self;

    /// A store of this place, beside those that were opened before.
    async fn open(&self) -> Arc<dyn StateStore>;
}

/// A test for each case, in the place that is given.
macro_rules! every_case {
    ($place:ident) => {
        $crate::conformance::every_case! { $place
            versions: a_save_is_read_back
            versions: a_save_on_an_older_version_is_refused
            versions: a_save_on_a_version_that_never_was_is_refused
            versions: a_version_that_does_not_rise_is_refused
            fences: a_tenure_begins_above_those_before
            fences: a_load_of_an_older_tenure_is_refused
            fences: a_save_of_an_older_tenure_is_refused_by_the_fence
            fences: a_save_of_an_older_tenure_is_refused_by_the_row
            fences: a_refused_load_changes_nothing
            fences: fences_do_not_touch_each_other
            fences: a_save_without_a_fence_is_let_in
            batches: a_refused_save_leaves_the_others_in
            batches: a_save_that_cannot_be_kept_leaves_the_others_in
            batches: the_second_save_of_one_object_is_refused
            batches: nothing_is_a_batch
            batches: a_thousand_saves_are_one_batch
            concurrency: of_many_saves_on_one_version_one_is_let_in
            concurrency: of_many_first_saves_one_is_let_in
            concurrency: no_save_is_let_in_after_a_newer_tenure_has_loaded
            concurrency: many_writers_lose_nothing
            concurrency: of_many_tenures_each_is_its_own
            concurrency: of_tenures_that_load_at_once_the_newest_stays
            concurrency: a_load_that_loses_a_race_raises_nothing
            unknown_outcome: a_late_save_is_refused_after_a_load_that_raises
            unknown_outcome: a_late_first_save_is_refused_after_a_load_that_raises
            unknown_outcome: a_save_that_landed_is_seen_by_a_load_that_raises
            unknown_outcome: a_fenced_load_raises_nothing
            deletion: what_is_deleted_is_gone_and_its_version_stays
            deletion: a_deletion_can_be_repeated
            deletion: a_deleted_object_comes_again
            values: odd_ids_are_told_apart
            values: states_may_be_large
            values: states_may_be_empty_and_of_each_encoding
            values: a_reason_may_have_any_character
            values: numbers_may_be_the_largest
            calls: a_record_is_kept_with_its_save
            calls: a_refused_save_leaves_no_record
            calls: a_record_is_of_its_object_alone
            calls: a_record_takes_the_place_of_one_of_its_id
            outgoing: calls_come_in_the_order_of_their_keys
            outgoing: a_refused_save_leaves_no_call
            outgoing: a_delivered_call_is_gone
            outgoing: a_call_is_tried_again
            outgoing: a_call_that_failed_for_good_is_a_dead_letter
            outgoing: a_dead_letter_is_left_alone_by_late_settlements
            outgoing: a_dead_letter_is_deleted_or_tried_again
            outgoing: settling_what_is_gone_is_no_error
            sweeping: records_are_swept_after_their_time
            sweeping: what_is_left_of_deleted_objects_is_swept
            sweeping: a_placeholder_is_swept_like_what_was_deleted
            sweeping: an_object_with_calls_to_make_is_kept
            sweeping: a_sweep_has_a_limit
            listing: pages_follow_each_other
            listing: a_list_has_one_type
            listing: a_list_tells_what_is_stored
            listing: what_has_no_state_is_not_listed
            reopening: everything_is_there_again
            reopening: two_stores_of_one_place_see_each_other
        }
    };
    ($place:ident $($module:ident: $case:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let place = <$place as $crate::conformance::Place>::new().await;
            $crate::conformance::$module::$case(&place).await;
        }
    )*};
}
pub(crate) use every_case;
