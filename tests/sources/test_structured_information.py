"""The information on an entry in numbered parts is read as the mt-940 library reads it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from mt940 import models, processors, tags
from mt940.options import Options

from sources.readers.structured_information import structured

PIECES = st.one_of(
    st.sampled_from(
        ["?", "?20", "?21", "?2", "?29", "?32", "?33", "?31", "?60", "?63", "?00", "?10", "??", "?7", "\n"]
    ),
    st.sampled_from(["EREF+", "SVWZ+", "IBAN+", "PURP+", "KREF+", "EREF", "BIC +", " BIC", " IBAN", "+", "F+", "\r\n"]),
    st.text("ab 1?+\n\x0b", max_size=4),
)


@given(beginning=st.sampled_from(["166?00", "166?20", "16?20", "", "166?2"]), pieces=st.lists(PIECES, max_size=12))
@example(beginning="166?20", pieces=["x", "?20", "EREF+1", "?21", " SVWZ+a BIC", "?2", "1 BIC"])
def test_values_are_those_that_the_library_reads(beginning: str, pieces: list[str]) -> None:
    information = beginning + "".join(pieces)
    tag = tags.TransactionDetails()
    library = models.Transactions(options=Options.all())
    delivered = {"transaction_details": information}
    read = processors.transaction_details_post_processor(library, tag, delivered, dict(delivered))
    values = structured(information)
    if values is None:
        assert read == delivered
    else:
        assert {name: value for name, value in values.items() if value is not None} == {
            name: value for name, value in read.items() if value is not None
        }
