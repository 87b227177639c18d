/* Views: what they show while the tree goes on, and when they end. */
#include "tree_fixture.h"
#include "tree_workload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VISITS_MAX = 1 << 20, COMMANDS = 400, ROUNDS = 20, MIB = 1 << 20 };

/* ---- What a tree shows ---- */

struct seen {
    struct tree *tree;
    struct buffer keys; /* with their attributes */
    uint64_t *inos;
    size_t count;
};

static bool see_key(void *arg, struct bytes key, const struct attr *attr)
{
    struct seen *seen = arg;
    buffer_put_bytes(&seen->keys, key);
    buffer_printf(&seen->keys, "%lu %o %u %u %u %u %lu %lu %lu %ld %ld %ld", attr->ino, attr->mode,
                  attr->nlink, attr->uid, attr->gid, attr->rdev, attr->size, attr->used,
                  attr->revision, attr->atime, attr->mtime, attr->ctime);
    seen->inos = realloc(seen->inos, ++seen->count * sizeof *seen->inos);
    assert_non_null(seen->inos);
    seen->inos[seen->count - 1] = S_ISREG(attr->mode) ? attr->ino : 0;
    return true;
}

/* All keys, with their attributes and contents. */
static struct buffer see(struct tree *tree)
{
    struct seen seen = {.tree = tree};
    struct buffer resume = {0};
    bool more;
    assert_int_equal(tree_keys(tree, NULL, bytes_of("", 0), bytes_of("", 0), VISITS_MAX, see_key,
                               &seen, &more, &resume),
                     0);
    assert_false(more);
    for (size_t i = 0; i < seen.count; i++)
        if (seen.inos[i] != 0)
            assert_int_equal(tree_read(tree, seen.inos[i], 0, 16 * MIB, &seen.keys), 0);
    free(seen.inos);
    buffer_free(&resume);
    assert_false(seen.keys.failed);
    return seen.keys;
}

static void assert_seen(struct tree *tree, const struct buffer *before)
{
    assert_non_null(tree);
    struct buffer now = see(tree);
    assert_int_equal(now.len, before->len);
    assert_memory_equal(now.data, before->data, now.len);
    buffer_free(&now);
}

static void apply_random(struct fixture *f, uint64_t *seed, int count)
{
    for (int i = 0; i < count; i++) {
        struct op op = workload_op(seed, 60);
        struct buffer entry = fixture_entry(f, &op, 1);
        bool repeated;
        struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
        command_result_free(&result);
        buffer_free(&entry);
    }
}

static struct tree_view *open_view(struct fixture *f)
{
    struct tree_view *view;
    assert_int_equal(tree_view_open(f->tree, &view), 0);
    assert_int_equal(tree_applied(tree_view_tree(view)), tree_applied(f->tree));
    return view;
}

/* ---- The tests ---- */

static void a_view_shows_the_tree_as_it_was(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = random_seed();
    for (int round = 0; round < ROUNDS; round++) {
        apply_random(f, &seed, COMMANDS); /* the last of them are not committed yet */
        struct tree_view *view = open_view(f);
        struct buffer before = see(f->tree);
        assert_seen(tree_view_tree(view), &before);
        uint64_t applied = tree_applied(f->tree);
        apply_random(f, &seed, COMMANDS);
        assert_int_equal(tree_commit(f->tree), 0);
        apply_random(f, &seed, COMMANDS);
        assert_seen(tree_view_tree(view), &before);
        assert_int_equal(tree_applied(tree_view_tree(view)), applied);
        tree_view_close(view);
        buffer_free(&before);
    }
}

static void several_views_show_several_moments(void **state)
{
    struct fixture *f = *state;
    enum { VIEWS = 40 }; /* more than SQLite has marks for readers */
    struct tree_view *views[VIEWS];
    for (int i = 0; i < VIEWS; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        fixture_must(f, make_put("a/key", value));
        views[i] = open_view(f);
    }
    for (int i = 0; i < VIEWS; i++) {
        struct tree *tree = tree_view_tree(views[i]);
        struct attr attr;
        struct buffer value = {0};
        assert_int_equal(tree_resolve(tree, text("a/key"), &attr), 0);
        assert_int_equal(tree_read(tree, attr.ino, 0, 100, &value), 0);
        buffer_put_u8(&value, 0);
        assert_int_equal(atoi((char *)value.data), i);
        buffer_free(&value);
        tree_view_close(views[i]);
    }
}

static off_t wal_bytes(struct fixture *f)
{
    char path[SCRATCH_BYTES + 16];
    struct stat stat;
    snprintf(path, sizeof path, "%s/tree.db-wal", f->path);
    assert_int_equal(lstat(path, &stat), 0);
    return stat.st_size;
}

static void on_checkpoint(void *arg, int status, uint64_t index)
{
    assert_int_equal(status, 0);
    *(bool *)arg = true;
}

/* As the replica does when the tree asks for it. */
static void checkpoint(struct fixture *f)
{
    bool done = false;
    assert_int_equal(tree_checkpoint(f->tree, uv_default_loop(), on_checkpoint, &done), 0);
    while (!done)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
}

/* Writes a MiB that differs from those before. */
static void write_much(struct fixture *f, uint64_t ino)
{
    static uint8_t bytes[MIB];
    static uint64_t number;
    for (size_t at = 0; at < sizeof bytes; at += 4096) {
        number++;
        memcpy(bytes + at, &number, sizeof number);
    }
    fixture_must(f, (struct op){.type = OP_WRITE, .ino = ino, .data = bytes_of(bytes, MIB)});
    assert_int_equal(tree_commit(f->tree), 0);
}

/* Views that follow each other without a gap, so that the WAL is always in use. */
static void views_do_not_let_the_wal_grow_for_ever(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, 1, "large");
    struct tree_view *view = open_view(f);
    struct tree_view *idle = open_view(f);
    int ended = 0;
    for (int mib = 0; mib < 400; mib++) {
        write_much(f, ino);
        struct tree_view *next = open_view(f);
        ended += !tree_view_tree(view);
        tree_view_close(view);
        view = next;
        while (tree_must_pause(f->tree))
            checkpoint(f);
        if (tree_wants_checkpoint(f->tree))
            checkpoint(f);
        assert_true(wal_bytes(f) <= 140 * MIB);
    }
    assert_null(tree_view_tree(idle));
    assert_in_range(ended, 1, 10);
    tree_view_close(idle);
    tree_view_close(view);
}

/* The WAL cannot be used again anyway. */
static void views_stay_while_a_snapshot_is_read(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, 1, "large"), index;
    struct buffer before = see(f->tree);
    struct tree_view *view = open_view(f);
    struct tree_reader *reader;
    assert_int_equal(tree_reader_open(f->tree, RECORD_FORMAT, &reader, &index), 0);
    for (int mib = 0; mib < 200; mib++)
        write_much(f, ino);
    assert_true(wal_bytes(f) > 140 * MIB);
    assert_seen(tree_view_tree(view), &before);
    tree_reader_close(reader);
    write_much(f, ino);
    assert_null(tree_view_tree(view));
    tree_view_close(view);
    buffer_free(&before);
}

/* Without writes of that size, a view is not disturbed by checkpoints. */
static void a_view_outlives_checkpoints(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, 1, "large");
    struct buffer before = see(f->tree);
    struct tree_view *view = open_view(f);
    for (int mib = 0; mib < 60; mib++) {
        write_much(f, ino);
        if (mib % 10 == 9)
            checkpoint(f);
        assert_false(tree_must_pause(f->tree));
    }
    assert_seen(tree_view_tree(view), &before);
    tree_view_close(view);
    buffer_free(&before);
}

/* A page that a view finds damaged is damage of the tree: the node must stop. */
static void damage_that_a_view_finds_breaks_the_tree(void **state)
{
    struct fixture f;
    fixture_open(&f);
    uint64_t ino = fixture_make_file(&f, 1, "large");
    for (int i = 0; i < 8; i++)
        write_much(&f, ino);
    fixture_reopen(&f); /* with all pages in tree.db, and none in memory */
    struct tree_view *view = open_view(&f);
    char path[SCRATCH_BYTES + 16];
    snprintf(path, sizeof path, "%s/tree.db", f.path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = lseek(fd, 0, SEEK_END) - 100; at > 256 * 1024; at -= 4096)
        assert_int_equal(pwrite(fd, "damage", 6, at), 6);
    close(fd);
    struct buffer out = {0};
    assert_int_equal(tree_read(tree_view_tree(view), ino, 0, MIB, &out), -EUCLEAN);
    assert_int_equal(tree_commit(f.tree), -EUCLEAN);
    assert_non_null(strstr(tree_fault(f.tree), "tree.db"));
    tree_view_close(view);
    buffer_free(&out);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_view_shows_the_tree_as_it_was),
        FIXTURE_TEST(several_views_show_several_moments),
        FIXTURE_TEST(views_do_not_let_the_wal_grow_for_ever),
        FIXTURE_TEST(views_stay_while_a_snapshot_is_read),
        FIXTURE_TEST(a_view_outlives_checkpoints),
        cmocka_unit_test(damage_that_a_view_finds_breaks_the_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
