"""One client of test_locks_set.py: adds to a set that is kept in a file, under a lock, and tells what became of it.

The set is read, changed and written back in steps, with pauses in between, so everything depends on the lock. A line
"ok ITEM VERSION" is an addition that was acknowledged; "maybe ITEM ERROR" one that may have happened or not.
"""

import errno
import fcntl
import os
import random
import sys
import time

RETRY_SECONDS = 0.05
PAUSE_SECONDS = 0.03


def read_set(descriptor):
    """The version, and the items. Items are never removed, so the file never becomes shorter."""
    data = os.pread(descriptor, 1 << 20, 0).decode()
    version, *items = data.split() or ["0"]
    return int(version), items


def contents(version, items):
    return (f"{version:08d} " + " ".join(items) + "\n").encode()


def by_descriptor(folder, lock, item, dice):
    """The set is in the locked file itself."""
    version, items = read_set(lock)
    time.sleep(dice.uniform(0, PAUSE_SECONDS))
    os.pwrite(lock, contents(version + 1, items + [item]), 0)
    return version + 1


def by_rename(folder, lock, item, dice):
    """The set is in another file, which is replaced."""
    try:
        data = os.open(f"{folder}/data", os.O_RDONLY)
    except FileNotFoundError:
        version, items = 0, []
    else:
        version, items = read_set(data)
        os.close(data)
    time.sleep(dice.uniform(0, PAUSE_SECONDS))
    new = f"{folder}/data.{item}"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        file.write(contents(version + 1, items + [item]))
    time.sleep(dice.uniform(0, PAUSE_SECONDS))
    os.rename(new, f"{folder}/data")
    return version + 1


WAYS = {"descriptor": by_descriptor, "rename": by_rename}


def take(folder, records):
    lock = os.open(f"{folder}/lock", os.O_RDWR)
    if records:
        fcntl.lockf(lock, fcntl.LOCK_EX)
    else:
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main(folder, name, way, seed, until):
    dice = random.Random(f"{seed}/{name}")
    number = 0
    while not os.path.exists(until):
        lock, item = None, None
        try:
            # Locks of the two kinds know nothing of each other: one kind for each set.
            lock = take(folder, records=way == "rename")
            number += 1
            item = f"{name}.{number}"
            version = WAYS[way](folder, lock, item, dice)
            mine, lock = lock, None
            os.close(mine)
            print("ok", item, version, flush=True)
        except OSError as error:
            if item:
                print("maybe", item, errno.errorcode.get(error.errno, error.errno), flush=True)
            time.sleep(RETRY_SECONDS)
        finally:
            if lock is not None:
                try:
                    os.close(lock)
                except OSError:
                    pass  # the lock was lost


if __name__ == "__main__":
    main(*sys.argv[1:])
