"""The measured values, and the table of their ratios."""

import contextlib
import statistics
import sys
import traceback

OURS = "quorumfs"


class Row:
    """One measured thing: for each system, its value in each round."""

    def __init__(self, what, unit, less_is_better=False, at_least=None, against=None, own_mark=None):
        """at_least: the ratio to reach, to the best peer of those named in `against` (or of all); own_mark: the
        value that quorumfs itself is to reach, whatever the peers do."""
        self.what = what
        self.unit = unit
        self.less_is_better = less_is_better
        self.at_least = at_least
        self.against = against
        self.own_mark = own_mark
        self.values = {}
        self.latencies = {}
        self.failed = set()  # systems of which nothing is shown, even if some rounds went well

    def add(self, system, value, p50=None, p99=None):
        """The latencies, in seconds, are shown beside the value."""
        if system in self.failed:
            return
        self.values.setdefault(system, []).append(value)
        if p50 is not None:
            self.latencies.setdefault(system, []).append((p50, p99))

    def fail(self, system):
        self.failed.add(system)
        self.values.pop(system, None)
        self.latencies.pop(system, None)

    def keep_worst(self):
        """Instead of the median of all, which hides rare events."""
        worst = max if self.less_is_better else min
        self.values = {system: [worst(values)] for system, values in self.values.items()}

    def median(self, system):
        return statistics.median(self.values[system])

    def median_p50(self, system):
        return statistics.median(p50 for p50, _ in self.latencies[system])

    def peers(self):
        """The other systems, the best first."""
        found = [system for system in self.values if system != OURS]
        return sorted(found, key=self.median, reverse=not self.less_is_better)

    def ratios(self, peer):
        """How many times better quorumfs is, in each round."""
        pairs = zip(self.values.get(OURS, ()), self.values[peer])
        return [theirs / ours if self.less_is_better else ours / theirs for ours, theirs in pairs if ours and theirs]

    def cell(self, system):
        if system not in self.values:
            return "failed"
        text = f"{with_spread(self.values[system])} {self.unit}"
        if system in self.latencies:
            p50, p99 = (statistics.median(column) * 1000 for column in zip(*self.latencies[system]))
            text += f" ({number(p50)}, {number(p99)} ms)"
        return text

    def own_verdict(self):
        if self.own_mark is None or OURS not in self.values:
            return ""
        reached = self.median(OURS) <= self.own_mark if self.less_is_better else self.median(OURS) >= self.own_mark
        return f"{'' if reached else 'NOT '}{'≤' if self.less_is_better else '≥'} {self.own_mark:g} {self.unit}"

    def verdict(self, peer):
        """Stands in the line of the peer that the mark is about."""
        judged = [other for other in self.peers() if self.against is None or other in self.against]
        ratios = self.ratios(peer)
        if self.at_least is None or peer not in judged[:1] or not ratios:
            return ""
        reached = statistics.median(ratios) >= self.at_least
        return f"{'' if reached else 'NOT '}≥ {self.at_least:g} ×"

    def lines(self):
        """One for each peer."""
        head = f"{self.what} | {self.cell(OURS)}"
        if self.own_mark is not None or not self.peers():
            yield f"| {head} | | | | {self.own_verdict()} |"
            head = " | "
        for peer in self.peers():
            ratios = self.ratios(peer)
            yield (f"| {head} | {peer} | {self.cell(peer)} | {ratio_text(ratios) if ratios else ''} "
                   f"| {self.verdict(peer)} |")
            head = " | "
        for peer in sorted(self.failed - {OURS}):
            yield f"| {head} | {peer} | failed | | |"
            head = " | "


def number(value):
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def with_spread(values):
    middle = statistics.median(values)
    if len(values) < 2 or not middle:
        return number(middle)
    return f"{number(middle)} ±{(max(values) - min(values)) / 2 / middle:.0%}"


def ratio_text(ratios):
    middle = f"**{number(statistics.median(ratios))} ×**"
    return middle if len(ratios) < 2 else f"{middle} ({number(min(ratios))} to {number(max(ratios))})"


class Table:
    def __init__(self):
        self.rows = []  # and the titles between them, as text
        self.notes = []

    def section(self, title):
        print(f"   {title}", file=sys.stderr, flush=True)  # a person waits
        self.rows.append(title)

    def row(self, what, unit, **marks):
        row = Row(what, unit, **marks)
        self.rows.append(row)
        return row

    def note(self, text):
        self.notes.append(text)

    def failed(self):
        """Whether something could not be measured."""
        return any(row.failed for row in self.rows if isinstance(row, Row))

    def lines(self):
        """In Markdown. The ratio is how many times better quorumfs is: more of what is good, less of what is bad."""
        yield from (f"- {note}" for note in self.notes)
        yield ""
        yield "| (median, 99th percentile) | quorumfs | | peer | ratio | mark |"
        yield "|---|---|---|---|---|---|"
        for row in self.rows:
            if isinstance(row, str):
                yield f"| **{row}** | | | | | |"
            else:
                yield from row.lines()


@contextlib.contextmanager
def attempt(system, *rows):
    """A failure inside is shown in these rows, and the run goes on."""
    try:
        yield
    except Exception:
        traceback.print_exc()
        for row in rows:
            row.fail(system)


def rounds(systems, count):
    """Each system in each round; the order is swapped from round to round."""
    systems = list(systems)
    for number_of_round in range(count):
        yield from systems if number_of_round % 2 == 0 else reversed(systems)
