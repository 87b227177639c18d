"""Whether a file that many clients append to has each line once, and in one order for all of them. As all lines differ,
linearizable means no more than that, and no search is needed.
"""

import bisect

from history import DONE, REFUSED


class LinesAreWrong(AssertionError):
    pass


def check_lines(name, appends, readings):
    for complaint in _complaints(appends, readings):
        raise LinesAreWrong(f"{name}: {complaint}")


def _complaints(appends, readings):
    order = max((reading.lines for reading in readings), key=len, default=[])
    append_of = {append.line: append for append in appends}
    yield from _wrong_lines(order, append_of)
    yield from _wrong_order(order, append_of)
    yield from _wrong_readings(order, append_of, readings)


def _wrong_lines(order, append_of):
    if len(set(order)) < len(order):
        yield f"lines are doubled: {sorted(line for line in set(order) if order.count(line) > 1)}"
    for line in order:
        if line not in append_of:
            yield f"{line!r} was never written"
        elif append_of[line].outcome == REFUSED:
            yield f"{line!r} is there and was refused"


def _wrong_order(order, append_of):
    """A line whose append had ended before that of another began comes before it."""
    latest = None
    for line in order:
        append = append_of[line]
        if latest and latest.begin > append.end:
            yield f"{line!r} comes after {latest.line!r}, which began after it had ended"
        if latest is None or append.begin > latest.begin:
            latest = append


def _wrong_readings(order, append_of, readings):
    ended = sorted((append.end, append.line) for append in append_of.values() if append.outcome == DONE)
    ends = [end for end, _ in ended]
    place = {line: number for number, line in enumerate(order)}
    # From each on: how far the lines that had ended by then reach.
    reach, furthest = [], 0
    for _, line in ended:
        furthest = max(furthest, place.get(line, len(order)) + 1)
        reach.append(furthest)
    shortest = 0  # lines that the finished readings saw
    finished = sorted(readings, key=lambda reading: reading.end)
    for reading in sorted(readings, key=lambda reading: reading.begin):
        while finished and finished[0].end < reading.begin:
            shortest = max(shortest, len(finished.pop(0).lines))
        yield from _wrong_reading(reading, order, append_of, shortest)
        before = bisect.bisect_left(ends, reading.begin)
        if before and reach[before - 1] > len(reading.lines):
            yield f"a reading of {len(reading.lines)} lines lacks one that had been acknowledged: " \
                  f"{[line for _, line in ended[:before] if line not in reading.lines]}"


def _wrong_reading(reading, order, append_of, shortest):
    if reading.lines != order[:len(reading.lines)]:
        yield f"two orders were seen: {reading.lines[-5:]} is not how {order[:len(reading.lines)][-5:]} ends"
    if len(reading.lines) < shortest:
        yield f"a reading of {len(reading.lines)} lines came after one of {shortest}"
    for line in reading.lines:
        if append_of[line].begin > reading.end:
            yield f"{line!r} was read before it was written"
