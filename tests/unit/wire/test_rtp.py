"""The RTP header columns on packets nobody would send."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relip.essence.errors import FormatError
from relip.wire import rtp
from wirebytes import columns_of

pytestmark = pytest.mark.unit


@given(st.lists(st.binary(max_size=80), max_size=6), st.integers(1, 64))
def test_random_octets_never_raise_and_a_valid_payload_lies_in_its_row(packets, stride):
    octets, lengths = columns_of(*packets, stride=stride)
    columns = rtp.parse(octets, lengths)
    valid = columns.valid
    assert (columns.payload_offset[valid] >= rtp.HEADER_OCTETS).all()
    assert (columns.payload_offset[valid] <= columns.payload_end[valid]).all()
    assert (columns.payload_end[valid] <= np.minimum(lengths[valid], stride)).all()


def test_a_datagram_cut_by_the_stride_is_masked():
    octets, lengths = columns_of(bytes.fromhex("806000010000000200000003") + bytes(10), stride=16)
    assert not rtp.parse(octets, lengths).valid[0]


def test_an_empty_chunk_gives_empty_columns():
    columns = rtp.parse(np.zeros((0, 1536), np.uint8), np.zeros(0, np.int32))
    assert len(columns.valid) == len(columns.payload_end) == 0


def test_a_template_refuses_what_its_fields_cannot_hold():
    with pytest.raises(FormatError, match="128"):
        rtp.template(1, 12, payload_type=128, ssrc=0)
    with pytest.raises(FormatError, match=str(1 << 32)):
        rtp.template(1, 12, payload_type=96, ssrc=1 << 32)
