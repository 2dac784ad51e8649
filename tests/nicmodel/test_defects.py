"""Every defect is seen by a host or on a wire in the scenario that is named for it; a sound device repeats itself."""

from __future__ import annotations

import functools
from collections.abc import Hashable

import pytest

from tests.nicmodel.scenarios import SCENARIOS
from wireproof.nicmodel.defects import DEFECTS, chosen
from wireproof.nicmodel.device import Device
from wireproof.nicmodel.memory import Memory

SEEN_IN = {
    "checksum-odd-length": "odd_payload",
    "checksum-odd-low": "odd_payload",
    "checksum-fold-once": "many_carries",
    "checksum-carry-lost": "many_carries",
    "checksum-seed-ignored": "odd_payload",
    "checksum-sums-padding": "octets_behind_the_datagram",
    "udp-zero-kept": "udp_sum_of_zero",
    "tcp-zero-replaced": "tcp_sum_of_zero",
    "ip-checksum-options-skipped": "ip_options_sent",
    "rx-fragment-good": "fragments_arrive",
    "rx-udp-zero-bad": "udp_without_checksum",
    "rx-udp6-zero-good": "udp6_without_checksum",
    "rx-padding-summed": "padded_frame",
    "rx-l4-error-hidden": "bad_layer_4_behind_options",
    "rx-raw-sum-with-tag": "tagged_frame_summed",
    "rx-status-stale": "bad_then_good",
    "tso-ip-length": "large_packet",
    "tso-ip-id-fixed": "large_packet",
    "tso-ip-id-carry": "identification_and_sequence_carry",
    "tso-ip-checksum-stale": "large_packet",
    "tso-ipv6-extension-length": "large_packet_behind_extension",
    "tso-psh-all": "large_packet",
    "tso-fin-first": "large_packet",
    "tso-cwr-all": "congestion_window_reduced",
    "tso-sequence-last": "large_packet",
    "tso-sequence-carry": "identification_and_sequence_carry",
    "tso-empty-tail": "large_packet_of_whole_segments",
    "tso-options-first-only": "large_packet_with_options",
    "tso-split-header": "header_in_two_descriptors",
    "tso-vlan-first-only": "large_packet_tagged",
    "uso-length-stale": "large_datagram",
    "rsc-merges-gap": "train_with_gap",
    "rsc-merges-psh": "train_with_push",
    "rsc-ack-ignored": "train_with_other_ack",
    "rsc-window-ignored": "train_with_other_window",
    "rsc-options-ignored": "train_with_other_options",
    "rsc-tos-ignored": "train_with_congestion_mark",
    "rsc-bad-checksum": "train_with_bad_checksum",
    "rsc-vlan-ignored": "train_in_two_vlans",
    "rsc-fin-lost": "train_with_fin",
    "rsc-overtakes": "train_and_pure_ack",
    "rsc-timeout-lost": "train_and_silence",
    "rsc-length-overflow": "endless_train",
    "rss-byte-order": "spread_by_hash",
    "rss-addresses-swapped": "spread_by_hash",
    "rss-indirection-off-by-one": "spread_by_hash",
    "rss-indirection-half": "spread_by_hash",
    "rss-key-short": "spread_ipv6",
    "rss-type-wrong": "spread_by_hash",
    "rss-fragment-ports": "spread_fragments",
    "flow-rule-last-wins": "two_rules_match",
    "flow-rule-ports-swapped": "rule_on_ports",
    "vlan-tag-lost": "tag_stripped",
    "vlan-rx-priority-lost": "tag_stripped",
    "vlan-tx-priority-lost": "tags_inserted",
    "vlan-outer-tpid-fixed": "tags_inserted",
    "qinq-order-swapped": "tags_inserted",
    "vlan-filter-aliased": "tag_not_admitted",
    "tx-completed-twice": "status_stays_written",
    "tx-completed-early": "order_of_accesses",
    "rx-completed-early": "order_of_accesses",
    "rx-completed-twice": "receive_status_stays_written",
    "head-before-write-back": "head_against_status",
    "dma-write-one-over": "buffer_filled_to_the_brim",
    "dma-read-one-over": "accesses_refused",
    "ring-last-skipped": "ring_goes_round",
    "doorbell-splits-packet": "doorbell_in_a_packet",
    "tx-error-silent": "malformed_packet",
    "rx-truncates": "frame_longer_than_what_is_posted",
    "rx-length-with-fcs": "lengths_reported",
    "reset-leaves-write-backs": "reset_in_a_packet",
    "interrupt-lost-moderated": "event_within_interval",
    "interrupt-lost-unmask": "unmasked_later",
    "interrupt-before-write-back": "status_at_the_message",
    "interrupt-wrong-vector": "unmasked_later",
    "interrupt-auto-mask-lost": "automatic_masking",
    "moderation-ignored": "event_within_interval",
    "statistics-not-cleared": "counters_read_twice",
    "statistics-tso-once": "counters_of_segments",
    "statistics-octets-before-tag": "counters_of_segments",
    "statistics-drops-lost": "frame_longer_than_what_is_posted",
}


@functools.cache
def sound(name: str) -> Hashable:
    return SCENARIOS[name](())


def test_every_defect_has_a_scenario() -> None:
    assert sorted(SEEN_IN) == sorted(DEFECTS)
    assert set(SEEN_IN.values()) == set(SCENARIOS)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_seen(name: str) -> None:
    assert SCENARIOS[SEEN_IN[name]]((name,)) != sound(SEEN_IN[name])


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_sound_device_repeats_itself(name: str) -> None:
    assert SCENARIOS[name](()) == sound(name)


def test_every_defect_is_described() -> None:
    assert all(defect.does and defect.seen and defect.area for defect in DEFECTS.values())
    assert len({defect.does for defect in DEFECTS.values()}) == len(DEFECTS)


def test_an_unknown_defect_is_refused_with_the_list() -> None:
    with pytest.raises(ValueError, match="no such defect: tso-psh; there are checksum-odd-length,"):
        Device(Memory(16), defects={"tso-psh"})


def test_several_defects_at_once() -> None:
    assert chosen(["tso-psh-all", "tso-fin-first"]) == {"tso-psh-all", "tso-fin-first"}
