/* The key tree: files and leases whose time runs out. */
#include "tree_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LEASE = 7, OTHER = 8 };

static struct op make_ttl(uint64_t ino, uint64_t ms)
{
    return (struct op){.type = OP_TTL, .ino = ino, .size = ms};
}

static struct op make_lease(uint8_t type, uint64_t id, uint64_t ms)
{
    return (struct op){.type = type, .lease = id, .size = ms};
}

static struct op put_until(const char *key, uint64_t ttl, uint64_t lease)
{
    struct op op = make_put(key, "value");
    op.ttl = ttl;
    op.lease = lease;
    return op;
}

static bool exists(struct fixture *f, const char *key)
{
    return fixture_resolve(f, key).ino != 0;
}

static void assert_goes_with(struct fixture *f, const char *key, uint64_t ttl, uint64_t lease)
{
    struct attr attr = fixture_resolve(f, key);
    uint64_t found_ttl, found_lease;
    assert_int_not_equal(attr.ino, 0);
    assert_int_equal(tree_ttl(f->tree, &attr, &found_ttl, &found_lease), 0);
    assert_int_equal(found_ttl, ttl);
    assert_int_equal(found_lease, lease);
}

/* Whether EXPIRE, proposed with this revision, removes the file. */
static bool expires(struct fixture *f, uint64_t ino, uint64_t revision)
{
    struct op op = {.type = OP_EXPIRE, .ino = ino, .revision = revision};
    struct op_result out = {0};
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_int_equal(out.existed, fixture_gone(f, ino));
    return out.existed;
}

static struct tree_lease lease_of(struct fixture *f, uint64_t id)
{
    struct tree_lease lease;
    assert_int_equal(tree_lease_get(f->tree, id, &lease), 0);
    return lease;
}

/* ---- A ttl ---- */

static void every_change_starts_the_time_again(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_must(f, put_until("k", 1000, 0)).ino;
    const struct op changes[] = {
        make_put("k", "2"),
        make_write(ino, 0, "3"),
        {.type = OP_APPEND, .ino = ino, .data = text("4")},
        {.type = OP_TRUNCATE, .ino = ino, .size = 1},
        {.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MTIME_NOW}, /* touch(1) */
        {.type = OP_SETXATTR, .ino = ino, .name = text("user.a")},
        make_rename(INO_ROOT, "k", INO_ROOT, "l", 0),
        make_ttl(ino, 1000),
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        uint64_t before = fixture_getattr(f, ino).revision;
        fixture_must(f, changes[i]);
        assert_false(expires(f, ino, before));
    }
    assert_goes_with(f, "l", 1000, 0);
    assert_true(expires(f, ino, fixture_getattr(f, ino).revision));
    assert_false(exists(f, "l"));
}

static void only_a_file_with_a_ttl_expires(void **state)
{
    struct fixture *f = *state;
    struct attr plain = fixture_must(f, make_put("plain", "1"));
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    struct attr leased = fixture_must(f, put_until("leased", 0, LEASE));
    struct attr dir = fixture_must(f, make_named(OP_MKDIR, INO_ROOT, "dir"));
    struct attr device = fixture_must(f, (struct op){.type = OP_MKNOD,
                                                     .ino = INO_ROOT,
                                                     .name = text("device"),
                                                     .mode = S_IFCHR | 0600,
                                                     .rdev = 1});
    assert_false(expires(f, plain.ino, plain.revision));
    assert_false(expires(f, leased.ino, leased.revision));
    assert_false(expires(f, dir.ino, dir.revision));
    assert_false(expires(f, device.ino, device.revision));
    struct op none = {.type = OP_EXPIRE, .ino = 99, .revision = 1};
    assert_int_equal(fixture_do(f, none), 0);
    none.ino = TREE_LEASE | LEASE;
    none.revision = lease_of(f, LEASE).revision;
    assert_int_equal(fixture_do(f, none), 0);
    assert_true(exists(f, "leased"));
}

static void a_ttl_is_taken_away(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_must(f, put_until("k", 1000, 0)).ino;
    uint64_t revision = fixture_must(f, make_ttl(ino, 0)).revision;
    assert_goes_with(f, "k", 0, 0);
    assert_false(expires(f, ino, revision));
    assert_int_equal(fixture_do(f, make_ttl(ino, 0)), -ENODATA);
    fixture_must(f, make_ttl(ino, 2000));
    assert_goes_with(f, "k", 2000, 0);
    fixture_must(f, put_until("k", TTL_NONE, 0));
    assert_goes_with(f, "k", 0, 0);
}

static void what_cannot_have_a_ttl_is_refused(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_must(f, make_put("k", "1")).ino;
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "dir");
    struct op link = make_named(OP_SYMLINK, INO_ROOT, "link"), gone;
    link.data = text("k");
    assert_int_equal(fixture_do(f, make_ttl(dir, 1000)), -EISDIR);
    assert_int_equal(fixture_do(f, make_ttl(fixture_must(f, link).ino, 1000)), -EINVAL);
    assert_int_equal(fixture_do(f, make_ttl(99, 1000)), -ESTALE);
    assert_int_equal(fixture_do(f, make_ttl(ino, TTL_MS_MIN - 1)), -EINVAL);
    assert_int_equal(fixture_do(f, make_ttl(ino, TTL_MS_MAX + 1)), -EINVAL);
    assert_int_equal(fixture_do(f, make_ttl(ino, TTL_NONE)), -EINVAL);
    assert_int_equal(fixture_do(f, put_until("k", TTL_MS_MIN - 1, 0)), -EINVAL);
    assert_int_equal(fixture_do(f, put_until("k", TTL_MS_MAX + 1, 0)), -EINVAL);
    fixture_assert_contents(f, ino, "1");
    fixture_must(f, make_ttl(ino, TTL_MS_MIN));
    fixture_must(f, make_ttl(ino, TTL_MS_MAX));
    gone = make_named(OP_UNLINK, INO_ROOT, "k");
    gone.hold = ino;
    fixture_must(f, gone);
    assert_int_equal(fixture_do(f, make_ttl(ino, 1000)), -ENOENT);
}

static void a_file_that_lost_its_name_while_open_stays(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_must(f, put_until("k", 1000, 0)).ino;
    struct op unlink = make_named(OP_UNLINK, INO_ROOT, "k");
    unlink.hold = ino;
    uint64_t revision = fixture_must(f, unlink).revision;
    assert_false(expires(f, ino, revision));
    fixture_must(f, (struct op){.type = OP_RELEASE, .ino = ino});
}

/* By all its names, with what was made only for it. */
static void an_expired_file_goes_by_all_its_names(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_MAX}); /* implied directories */
    uint64_t ino = fixture_must(f, put_until("a/b/c", 1000, 0)).ino;
    uint64_t dir = fixture_make_dir(f, INO_ROOT, "dir");
    char name[16];
    for (int i = 1; i < MORTAL_LINKS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        fixture_must(f, (struct op){.type = OP_LINK, .ino = dir, .name = text(name), .ino2 = ino});
    }
    struct op one_more = {.type = OP_LINK, .ino = dir, .name = text("more"), .ino2 = ino};
    assert_int_equal(fixture_do(f, one_more), -EMLINK);
    tree_observe(f->tree, true);
    struct op op = {.type = OP_EXPIRE, .ino = ino, .revision = fixture_getattr(f, ino).revision};
    struct buffer entry = fixture_entry(f, &op, 1);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    const struct tree_changes *told = tree_changes(f->tree);
    assert_int_equal(told->count, MORTAL_LINKS_MAX + 2); /* and a/b, and a */
    for (uint32_t i = 0; i < told->count; i++)
        assert_int_equal(told->list[i].kind, CHANGE_DELETED);
    tree_observe(f->tree, false);
    command_result_free(&result);
    buffer_free(&entry);
    assert_true(fixture_gone(f, ino));
    assert_false(exists(f, "a"));
    assert_int_equal(fixture_getattr(f, dir).size, 0);
}

static void a_file_with_many_names_gets_no_ttl(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_must(f, make_put("k", "1")).ino;
    char name[16];
    for (int i = 1; i <= MORTAL_LINKS_MAX; i++) {
        snprintf(name, sizeof name, "%d", i);
        fixture_must(
            f, (struct op){.type = OP_LINK, .ino = INO_ROOT, .name = text(name), .ino2 = ino});
    }
    assert_int_equal(fixture_do(f, make_ttl(ino, 1000)), -EMLINK);
    assert_int_equal(fixture_do(f, put_until("k", 1000, 0)), -EMLINK);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "k"));
    fixture_must(f, make_ttl(ino, 1000));
}

/* ---- PUT ---- */

static void a_put_keeps_a_ttl_and_loosens_from_a_lease(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    fixture_must(f, make_lease(OP_LEASE, OTHER, 1000));
    fixture_must(f, put_until("k", 1000, 0));
    fixture_must(f, make_put("k", "2"));
    assert_goes_with(f, "k", 1000, 0);
    fixture_must(f, put_until("k", 0, LEASE));
    assert_goes_with(f, "k", 0, LEASE);
    fixture_must(f, put_until("k", 0, OTHER));
    assert_goes_with(f, "k", 0, OTHER);
    assert_int_equal(lease_of(f, LEASE).files, 0);
    assert_int_equal(lease_of(f, OTHER).files, 1);
    fixture_must(f,
                 make_write(fixture_resolve(f, "k").ino, 0, "3")); /* a file operation is no PUT */
    assert_goes_with(f, "k", 0, OTHER);
    fixture_must(f, make_put("k", "4"));
    assert_goes_with(f, "k", 0, 0);
    assert_int_equal(lease_of(f, OTHER).files, 0);
    fixture_must(f, put_until("k", 0, LEASE));
    fixture_must(f, put_until("k", 2000, 0));
    assert_goes_with(f, "k", 2000, 0);
    fixture_must(f, put_until("k", 0, LEASE));
    fixture_must(f, make_ttl(fixture_resolve(f, "k").ino, 3000));
    assert_goes_with(f, "k", 3000, 0);
    assert_int_equal(lease_of(f, LEASE).files, 0);
    assert_int_equal(fixture_do(f, put_until("k", 1000, LEASE)), -EINVAL);
}

static void a_put_with_a_lease_that_is_over_has_no_effect(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_must(f, make_put("k", "1")).ino;
    assert_int_equal(fixture_do(f, put_until("k", 0, LEASE)), -EKEYEXPIRED);
    assert_int_equal(fixture_do(f, put_until("new/key", 0, LEASE)), -EKEYEXPIRED);
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    fixture_must(f, make_lease(OP_LEASE_END, LEASE, 0));
    assert_int_equal(fixture_do(f, put_until("k", 0, LEASE)), -EKEYEXPIRED);
    struct op list[] = {make_put("other", "1"), put_until("k", 0, LEASE)};
    assert_int_equal(fixture_run(f, list, 2, NULL), -EKEYEXPIRED);
    fixture_assert_contents(f, ino, "1");
    assert_false(exists(f, "new") || exists(f, "other"));
}

/* ---- Leases ---- */

static void a_lease_takes_all_its_files_along_in_one_entry(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    fixture_must(f, put_until("a/b", 0, LEASE));
    fixture_must(f, put_until("c", 0, LEASE));
    fixture_must(f, put_until("d", 0, LEASE));
    fixture_must(f, (struct op){.type = OP_DELETE, .name = text("d")});
    fixture_must(f, make_put("e", "1"));
    assert_int_equal(lease_of(f, LEASE).files, 2);
    struct op end = make_lease(OP_LEASE_END, LEASE, 0);
    struct op_result out;
    assert_int_equal(fixture_run(f, &end, 1, &out), 0);
    assert_int_equal(out.offset, 2);
    assert_false(exists(f, "a/b") || exists(f, "c"));
    assert_true(exists(f, "e"));
    assert_int_equal(fixture_do(f, end), -EKEYEXPIRED);
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE_RENEW, LEASE, 0)), -EKEYEXPIRED);
}

static void a_lease_ends_only_if_it_was_not_renewed(void **state)
{
    struct fixture *f = *state;
    struct op end = make_lease(OP_LEASE_END, LEASE, 0);
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    fixture_must(f, put_until("k", 0, LEASE));
    uint64_t first = lease_of(f, LEASE).revision;
    fixture_must(f, make_lease(OP_LEASE_RENEW, LEASE, 0));
    uint64_t second = lease_of(f, LEASE).revision;
    assert_true(second > first);
    fixture_must(f, put_until("k", 0, LEASE)); /* binding renews nothing */
    assert_int_equal(lease_of(f, LEASE).revision, second);
    end.revision = first;
    assert_int_equal(fixture_do(f, end), 0);
    assert_true(exists(f, "k"));
    end.revision = second;
    assert_int_equal(fixture_do(f, end), 0);
    assert_false(exists(f, "k"));
    assert_int_equal(fixture_do(f, end), 0); /* it is over */
}

static void what_cannot_be_a_lease_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE, 0, 1000)), -EINVAL);
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE, LEASE_ID_MAX + 1, 1000)), -EINVAL);
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE, LEASE, TTL_MS_MIN - 1)), -EINVAL);
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE, LEASE, TTL_MS_MAX + 1)), -EINVAL);
    fixture_must(f, make_lease(OP_LEASE, LEASE_ID_MAX, TTL_MS_MAX));
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE, LEASE_ID_MAX, 1000)), -EEXIST);
    assert_int_equal(lease_of(f, LEASE_ID_MAX).ms, TTL_MS_MAX);
}

static void a_lease_has_a_bounded_number_of_files(void **state)
{
    struct fixture *f = *state;
    char key[16];
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    for (int i = 0; i < LEASE_FILES_MAX; i++) {
        snprintf(key, sizeof key, "%d", i);
        fixture_must(f, put_until(key, 0, LEASE));
    }
    assert_int_equal(fixture_do(f, put_until("more", 0, LEASE)), -EDQUOT);
    fixture_must(f, put_until("0", 0, LEASE)); /* it has it already */
    fixture_must(f, make_lease(OP_LEASE_END, LEASE, 0));
    assert_int_equal(fixture_getattr(f, INO_ROOT).size, 0);
}

/* ---- How many ---- */

/* As if there were nearly as many as there can be. */
static void the_number_of_all_is_bounded(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_must(f, put_until("k", 1000, 0)).ino;
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    fixture_detach(f);
    fixture_sql(f, "WITH RECURSIVE n(i) AS (VALUES (1000) UNION ALL SELECT i + 1 FROM n"
                   " WHERE i < 1000 + 999998) INSERT INTO ttl SELECT i, 1000, 0 FROM n;"
                   "WITH RECURSIVE n(i) AS (VALUES (1000) UNION ALL SELECT i + 1 FROM n"
                   " WHERE i < 1000 + 99998) INSERT INTO lease SELECT i, 1000, 1, 0, 0, 0 FROM n");
    fixture_attach(f);
    assert_int_equal(fixture_do(f, put_until("new", 1000, 0)), -EDQUOT);
    assert_int_equal(fixture_do(f, put_until("new", 0, LEASE)), -EDQUOT);
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE, OTHER, 1000)), -EDQUOT);
    uint64_t plain = fixture_must(f, make_put("new", "1")).ino;
    assert_int_equal(fixture_do(f, make_ttl(plain, 1000)), -EDQUOT);
    fixture_must(f, put_until("k", 2000, 0)); /* it is one of them */
    struct op list[] = {make_lease(OP_LEASE_END, LEASE, 0), make_ttl(ino, 0),
                        make_named(OP_RMDIR, INO_ROOT, "none")};
    assert_int_equal(fixture_run(f, list, 3, NULL), -ENOENT); /* which is undone */
    assert_int_equal(fixture_do(f, make_ttl(plain, 1000)), -EDQUOT);
    assert_int_equal(fixture_do(f, make_lease(OP_LEASE, OTHER, 1000)), -EDQUOT);
    assert_int_equal(fixture_run(f, list, 2, NULL), 0);
    fixture_must(f, make_ttl(plain, 1000));
    fixture_must(f, make_lease(OP_LEASE, OTHER, 1000));
    fixture_detach(f);
    fixture_sql(f, "DELETE FROM ttl WHERE ino >= 1000; DELETE FROM lease WHERE id >= 1000");
    fixture_attach(f);
}

/* ---- What is told to the timers ---- */

static bool stirred(struct fixture *f, uint64_t key)
{
    uint32_t count;
    const uint64_t *list = tree_stirred(f->tree, &count);
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == key)
            return true;
    return false;
}

static void the_timers_hear_of_each_change(void **state)
{
    struct fixture *f = *state;
    const uint64_t lease = TREE_LEASE | LEASE;
    uint32_t count;
    uint64_t plain = fixture_must(f, make_put("plain", "1")).ino;
    tree_stirred(f->tree, &count);
    assert_int_equal(count, 0);
    fixture_must(f, make_ttl(plain, 1000));
    assert_true(stirred(f, plain));
    uint64_t ino = fixture_must(f, put_until("k", 1000, 0)).ino;
    assert_true(stirred(f, ino));
    fixture_must(f, make_write(ino, 0, "2"));
    assert_true(stirred(f, ino));
    fixture_must(f, make_put("other", "1"));
    tree_stirred(f->tree, &count);
    assert_int_equal(count, 0);
    fixture_must(f, make_lease(OP_LEASE, LEASE, 1000));
    assert_true(stirred(f, lease));
    fixture_must(f, make_lease(OP_LEASE_RENEW, LEASE, 0));
    assert_true(stirred(f, lease));
    fixture_must(f, put_until("k", 0, LEASE));
    assert_true(stirred(f, ino));
    fixture_must(f, make_put("k", "3"));
    assert_true(stirred(f, ino));
    fixture_must(f, put_until("k", 0, LEASE));
    struct op failing[] = {make_write(ino, 0, "4"), make_named(OP_RMDIR, INO_ROOT, "none")};
    assert_int_equal(fixture_run(f, failing, 2, NULL), -ENOENT);
    assert_false(stirred(f, ino));
    fixture_must(f, make_lease(OP_LEASE_END, LEASE, 0));
    assert_true(stirred(f, lease) && stirred(f, ino));
    fixture_must(f, make_ttl(plain, 0));
    assert_true(stirred(f, plain));
}

static void the_timers_can_read_all_in_pieces(void **state)
{
    struct fixture *f = *state;
    struct tree_mortal list[2];
    uint32_t count, found = 0;
    uint64_t after = 0;
    for (int i = 0; i < 3; i++) {
        fixture_must(f, put_until((const char *[]){"a", "b", "c"}[i], 1000 + (uint64_t)i, 0));
        fixture_must(f, make_lease(OP_LEASE, LEASE_ID_MAX - (uint64_t)i, 2000));
    }
    fixture_must(f, put_until("leased", 0, LEASE_ID_MAX));
    fixture_reopen(f);
    do {
        assert_int_equal(tree_mortals(f->tree, after, 2, list, &count), 0);
        for (uint32_t i = 0; i < count; i++) {
            struct tree_mortal one;
            assert_true(list[i].key > after);
            after = list[i].key;
            assert_int_equal(tree_mortal_get(f->tree, after, &one), 0);
            assert_int_equal(one.ms, list[i].ms);
            assert_int_equal(one.revision, list[i].revision);
        }
        found += count;
    } while (count > 0);
    assert_int_equal(found, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_change_starts_the_time_again),
        FIXTURE_TEST(only_a_file_with_a_ttl_expires),
        FIXTURE_TEST(a_ttl_is_taken_away),
        FIXTURE_TEST(what_cannot_have_a_ttl_is_refused),
        FIXTURE_TEST(a_file_that_lost_its_name_while_open_stays),
        FIXTURE_TEST(an_expired_file_goes_by_all_its_names),
        FIXTURE_TEST(a_file_with_many_names_gets_no_ttl),
        FIXTURE_TEST(a_put_keeps_a_ttl_and_loosens_from_a_lease),
        FIXTURE_TEST(a_put_with_a_lease_that_is_over_has_no_effect),
        FIXTURE_TEST(a_lease_takes_all_its_files_along_in_one_entry),
        FIXTURE_TEST(a_lease_ends_only_if_it_was_not_renewed),
        FIXTURE_TEST(what_cannot_be_a_lease_is_refused),
        FIXTURE_TEST(a_lease_has_a_bounded_number_of_files),
        FIXTURE_TEST(the_number_of_all_is_bounded),
        FIXTURE_TEST(the_timers_hear_of_each_change),
        FIXTURE_TEST(the_timers_can_read_all_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
