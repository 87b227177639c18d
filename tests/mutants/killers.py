"""The tests that catch mutants. A killer is named in a mutant's comment:

    test_NAME   that unit test
    scenarios   the simulator's scenarios
    sim         its random histories, from seed 1 on
    nodes       random histories of whole nodes, likewise; nodes_scenarios: their scenarios
    search      the exhaustive search of the small scopes
    power       power cuts of the store
    errors      disk errors of the store
"""
import os
import re
import resource
import subprocess

UNIT_SECONDS_MAX = 120     # a mutant that hangs is caught as well
OTHER_SECONDS_MAX = 240
HISTORY_SECONDS_MAX = 20   # of one history, which takes some milliseconds; of whole nodes, half a second
MEMORY_BYTES_MAX = 8 << 30

COMMANDS = {
    "scenarios": ["tests/sim/test_sim", "scenario"],
    "sim": ["tests/sim/test_sim"],
    "nodes": ["tests/nodes/test_nodes"],
    "nodes_scenarios": ["tests/nodes/test_nodes", "scenario"],
    "search": ["tests/search/test_search", "small"],
    "power": ["tests/faults/test_power"],
    "errors": ["tests/faults/test_errors"],
}


def command_of(killer):
    """The program, as a target of ninja, and its arguments."""
    return ["tests/unit/" + killer] if killer.startswith("test_") else COMMANDS[killer]


def _limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _run(command, seconds):
    """Its exit status (None: it hung) and its output."""
    try:
        result = subprocess.run(command, timeout=seconds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                preexec_fn=_limit_memory)
    except subprocess.TimeoutExpired as expired:
        return None, (expired.output or b"").decode(errors="replace")
    return result.returncode, result.stdout.decode(errors="replace")


def _isolated(command):
    """Its processes, and the files that it leaves in /tmp, go with it."""
    inside = 'mount -t tmpfs tmpfs /tmp && mount -t proc proc /proc && UNIT_TMP=/tmp FUZZ_TMP=/tmp "$@"; exit $?'
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child",
            *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", inside, "sh", *command]


def _wrong(status, output):
    """The most telling line of a failure."""
    if status is None:
        return "it hangs"
    for pattern in (r"Assertion `(.*)' failed", r"FAILED .*replayed by.*\n(.*)", r"FAILED:? (.*)"):
        found = re.search(pattern, output)
        if found:
            return found.group(1)
    return "exit status %d" % status


def _case(output):
    """cmocka's test case that failed: the first that says so, or else the last that began."""
    failed = re.search(r"\[\s+FAILED\s+\] (\w+)\s*$", output, flags=re.MULTILINE)
    begun = re.findall(r"\[ RUN\s+\] (\w+)", output)
    return failed.group(1) if failed else begun[-1] if begun else "?"


def histories(killer, build, most):
    """Returns how many histories it took, and what was wrong in the last one (None: nothing)."""
    program = os.path.join(build, COMMANDS[killer][0])
    for seed in range(1, most + 1):
        command = [program, str(seed)]
        status, output = _run(_isolated(command) if killer == "nodes" else command, HISTORY_SECONDS_MAX)
        if status != 0:
            return seed, _wrong(status, output)
    return most, None


def catch(killer, build, most_histories):
    """Returns what caught the mutant, or None."""
    if killer in most_histories:
        count, wrong = histories(killer, build, most_histories[killer])
        return wrong and "%s, history %d: %s" % (killer, count, wrong)
    program, *arguments = command_of(killer)
    unit = killer.startswith("test_")
    status, output = _run(_isolated([os.path.join(build, program), *arguments]),
                          UNIT_SECONDS_MAX if unit else OTHER_SECONDS_MAX)
    if status == 0:
        return None
    if unit:
        return "%s: %s%s" % (killer, _case(output), " hangs" if status is None else "")
    return "%s: %s" % (killer, _wrong(status, output))
