"""A mutant: a semantic patch that makes one realistic mistake, and its description in comments.

    // The mistake, in a sentence or two.
    // killers: test_paxos_sync, sim        its killers, the cheapest first
    // equivalent: ...                      instead of being caught: why no test can tell the difference
    @@ ... the patch, anchored to a function and an expression, for spatch(1)
"""
import functools
import pathlib
import re
import subprocess

SOURCES = ("node", "http", "fs")  # mutants change these only


class DoesNotApply(Exception):
    pass


@functools.lru_cache
def _sources(root):
    paths = [path for room in SOURCES for path in sorted((root / room).rglob("*.[ch]"))]
    return [(str(path.relative_to(root)), path.read_text()) for path in paths]


class Mutant:
    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.folder = path.parent.name
        comments, _, self.rule = path.read_text().partition("\n@@")
        text = re.sub(r"^// ?", "", comments, flags=re.MULTILINE)
        fields = re.split(r"^(killers|equivalent): ", text, flags=re.MULTILINE)
        self.mistake = " ".join(fields[0].split())
        said = {key: " ".join(value.split()) for key, value in zip(fields[1::2], fields[2::2])}
        self.killers = [name.strip() for name in said.get("killers", "").split(",") if name.strip()]
        self.equivalent = said.get("equivalent", "")

    def function(self):
        """The function that the patch is anchored to."""
        return re.search(r"^(\w+)\(", self.rule, flags=re.MULTILINE).group(1)

    def files(self, root):
        """Where that function is defined: spatch need not look at more."""
        definition = re.compile(r"^\w[^;{}]*\b%s\([^;{}]*\)\n?\{" % self.function(), flags=re.MULTILINE)
        return [path for path, text in _sources(root) if definition.search(text)]

    def diff(self, root):
        """The change of the tree below `root`, for patch(1); it must be one, in one place."""
        files = self.files(root)
        if not files:
            raise DoesNotApply("there is no function %s" % self.function())
        result = subprocess.run(["spatch", "--very-quiet", "--no-includes", "-U", "0", "--patch", ".",
                                 "--sp-file", str(self.path), *files],
                                cwd=root, capture_output=True, text=True, timeout=60)
        places = len(re.findall(r"^@@", result.stdout, flags=re.MULTILINE))
        if places == 1:
            return result.stdout
        error = [line for line in result.stderr.splitlines() if "should" not in line]
        raise DoesNotApply("it changes %d places%s" % (places, ": " + " ".join(error[:4]) if error else ""))


def load(folder, names):
    """The mutants below a folder: all, or those that are named by themselves or by their folder."""
    mutants = [Mutant(path) for path in sorted(pathlib.Path(folder).glob("*/*.cocci"))]
    unknown = set(names) - {mutant.name for mutant in mutants} - {mutant.folder for mutant in mutants}
    if unknown:
        raise SystemExit("no such mutants: " + " ".join(sorted(unknown)))
    return [mutant for mutant in mutants if not names or mutant.name in names or mutant.folder in names]
