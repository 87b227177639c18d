"""The values that clients write, which a history names by the label at their beginning."""

from history import NOTHING, is_, is_not


def bytes_of_label(label):
    """A value is as long as its label says, so that a torn one is seen."""
    return label.encode() + b"." * int(label.rpartition(":")[2])


def label_of(value):
    if value is None:
        return NOTHING
    label = value.rstrip(b".").decode(errors="replace")
    if label.rpartition(":")[2].isdigit() and bytes_of_label(label) != value:
        return f"damaged: {label} of {len(value)} bytes"
    return label


def one_of(values):
    """The one value if all are the same; otherwise a tuple, which no history explains."""
    values = sorted(values)
    return values[0] if len(values) == 1 else tuple(values)


def replaced(answer, field):
    """The condition that follows from the overwritten value in an answer."""
    if field + "_unknown" in answer:  # it was too large to be kept
        return is_not(NOTHING)
    return is_(label_of(answer[field].encode()) if field in answer else NOTHING)
