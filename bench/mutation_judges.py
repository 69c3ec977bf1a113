"""Which tests judge which module: the ones of `tests/unit` that are about what it does."""

from __future__ import annotations

from typing import Final

JUDGES: Final[dict[str, tuple[str, ...]]] = {
    "approvals.py": (
        "test_approval_words",
        "test_bulk_lists",
        "test_approvals",
        "test_passkeys",
    ),
    "dispatch.py": (
        "test_dispatch_rules",
        "test_dispatch",
        "test_schedule_carrier",
    ),
    "guards/__init__.py": (
        "test_guards",
        "test_guard_words",
    ),
    "guards/approval.py": ("test_guard_words",),
    "guards/base.py": ("test_guard_words",),
    "guards/capability.py": ("test_guard_words",),
    "guards/clock.py": ("test_guard_words",),
    "guards/destination.py": (
        "test_guard_words",
        "test_guards",
    ),
    "guards/enabled.py": ("test_guard_words",),
    "guards/takeover.py": ("test_guard_words",),
    "ledger/__init__.py": (
        "test_ledger_file",
        "test_ledger_words",
    ),
    "ledger/allowances.py": (
        "test_ledger_golden",
        "test_ledger_conditions",
        "test_allowance_rows",
        "test_ledger_outbounds",
        "test_ledger_told",
    ),
    "ledger/consents.py": (
        "test_ledger_conditions",
        "test_ledger_outbounds",
        "test_allowance_rows",
        "test_ledger_told",
        "test_ledger_durability",
        "test_ledger_rekeyed",
    ),
    "ledger/database.py": (
        "test_ledger_file",
        "test_doctor_ledger",
        "test_ledger_durability",
        "test_ledger_words",
    ),
    "ledger/deliveries.py": (
        "test_ledger_conditions",
        "test_ledger_deliveries",
        "test_ledger_news",
        "test_parking",
        "test_who_took_the_call",
        "test_ledger_told",
        "test_ledger_durability",
    ),
    "ledger/endpoints.py": (
        "test_text_provider",
        "test_ledger_durability",
        "test_ledger_rekeyed",
    ),
    "ledger/erasure.py": (
        "test_ledger_erased",
        "test_erasure",
        "test_ledger_durability",
    ),
    "ledger/outbounds.py": (
        "test_ledger_conditions",
        "test_ledger_found",
        "test_ledger_outbounds",
        "test_bulk_lists",
        "test_ledger_told",
        "test_ledger_words",
        "test_ledger_durability",
    ),
    "ledger/parking.py": (
        "test_parking",
        "test_ledger_rekeyed",
    ),
    "ledger/passkeys.py": (
        "test_passkeys",
        "test_ledger_told",
        "test_ledger_durability",
        "test_ledger_rekeyed",
    ),
    "ledger/received.py": (
        "test_conversations",
        "test_received",
        "test_ledger_told",
        "test_ledger_words",
        "test_ledger_durability",
    ),
    "ledger/records.py": ("test_ledger_words",),
    "ledger/rekeying.py": (
        "test_ledger_rekeyed",
        "test_ledger_durability",
    ),
    "ledger/store.py": (
        "test_ledger_golden",
        "test_ledger_outbounds",
        "test_ledger_told",
        "test_ledger_words",
        "test_ledger_rekeyed",
        "test_bulk_lists",
        "test_ledger_durability",
    ),
    "ledger/takeovers.py": (
        "test_ledger_told",
        "test_ledger_durability",
        "test_takeover",
    ),
    "ledger/triggers.py": (
        "test_triggers",
        "test_ledger_told",
        "test_ledger_words",
        "test_ledger_durability",
        "test_ledger_rekeyed",
    ),
    "guards/country.py": ("test_guard_words",),
    "guards/honest_call.py": ("test_guard_words",),
    "guards/limits.py": ("test_guard_words",),
    "guards/opt_out.py": ("test_guard_words",),
    "guards/quiet_hours.py": ("test_guard_words",),
    "ledger/opt_outs.py": (
        "test_ledger_opt_outs",
        "test_ledger_durability",
    ),
    "ledger/spending.py": ("test_ledger_spending", "test_ledger_durability"),
    "ledger/zones.py": (
        "test_ledger_zones",
        "test_ledger_durability",
    ),
}

LEFT_OUT: Final = (
    "tests/unit/test_binding.py::test_ten_thousand_changes_between_the_yes_and_the_dispatch_send_nothing",
    "tests/unit/test_takeover.py::test_a_takeover_raced_against_a_hundred_sends_and_a_hundred_scheduled_ones_ends_them",
    "tests/unit/test_ledger_deliveries.py::test_no_disorder_and_no_repetition_of_reports_takes_a_stored_status_back",
    "tests/unit/test_lease.py::test_a_real_process_that_is_stopped_past_its_lease_posts_nothing_when_it_goes_on",
    "tests/unit/test_rotation.py::test_a_rotation_that_is_killed_leaves_a_ledger_that_opens",
    "tests/unit/test_schedule.py::test_many_that_are_due_at_once_all_go_out_once_in_bounded_shares",
)
"""Long ones, of which other tests of the same files show each rule once. What they find beyond is not counted."""

PYTEST: Final = (
    "--assert=plain",
    "-p",
    "pytest_asyncio.plugin",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:unraisableexception",
)
"""What the tests are run with. Thousands of short runs are paid for by what pytest does before and after a test."""
NO_PLUGINS: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""The environment in which pytest loads no plugin but those."""
