"""git, from init to gc, clone and fsck, the repository used at every node."""

import os

from files import LONG, sh

COMMITS = 200 if LONG else 5

GIT = ("git -c safe.directory='*' -c user.name=n -c user.email=n@example.org -c init.defaultBranch=main "
       "-c advice.detachedHead=false ")


def git(line, folder):
    return sh(GIT + line, folder, seconds=300)


def test_a_repository_at_every_node(at):
    git("init -q r", at[0])
    repositories = [folder / "r" for folder in at]
    for number in range(COMMITS):
        here = repositories[number % 3]
        (here / f"f{number}").write_text(f"{number}\n" * 100)
        (here / "same").write_text(f"{number}\n")
        git("add -A", here)
        git(f"commit -q -m {number}", here)
        assert git("status --porcelain", repositories[(number + 1) % 3]) == ""
    git("gc -q", repositories[1])
    assert git("fsck --full", repositories[2]) == ""
    assert git("rev-list --count HEAD", repositories[0]).strip() == str(COMMITS)
    git("checkout -q -b other HEAD~2 && echo x > same", repositories[0])
    git("stash -q", repositories[1])
    git("checkout -q main", repositories[2])
    git("merge -q --no-edit other", repositories[0])
    assert git("status --porcelain", repositories[1]) == "" and (repositories[2] / "same").read_text() != "x\n"


def test_clones(at, tmp_path):
    git(f"init -q {tmp_path}/r", "/")
    for number in range(30 if not LONG else 1000):
        (tmp_path / "r" / f"f{number}").write_text(str(number))
    git("add -A && " + GIT + "commit -q -m all", tmp_path / "r")
    git(f"clone -q {tmp_path}/r one", at[0])
    git("clone -q one two", at[1])  # with hard links
    git("clone -q --no-local two three && " + GIT + "-C three fsck", at[2])
    sh("diff -r --exclude=.git one three", at[0])
    (at[1] / "three" / "f1").write_text("changed")
    git("commit -q -am changed && " + GIT + "push -q origin HEAD:refs/heads/pushed", at[1] / "three")
    assert git("log --format=%s -1 pushed", at[2] / "two") == "changed\n"
    assert os.stat(at[0] / "one" / ".git" / "HEAD").st_size > 0
