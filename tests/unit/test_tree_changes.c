/* The changes of entries, as observers are told: for each operation, and for random ones by
 * replaying them on the names that were there before. */
#include "tree_fixture.h"
#include "tree_script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- As text: "created 1/name 2 f, ..." ---- */

static const char *const kinds[] = {
    [CHANGE_CREATED] = "created",       [CHANGE_WRITTEN] = "written",
    [CHANGE_ATTRIBUTES] = "attributes", [CHANGE_DELETED] = "deleted",
    [CHANGE_MOVED_FROM] = "moved-from", [CHANGE_MOVED_TO] = "moved-to",
    [CHANGE_SESSION_ENDED] = "ended",   [CHANGE_EPHEMERAL] = "ephemeral",
};

static void print_name(struct buffer *out, uint64_t parent, struct bytes name)
{
    if (parent)
        buffer_printf(out, " %lu/%.*s", (unsigned long)parent, (int)name.len, name.data);
}

static void print_changes(const struct tree_changes *changes, struct buffer *out)
{
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->list[i];
        buffer_printf(out, "%s%s", i ? ", " : "", kinds[change->kind]);
        print_name(out, change->parent, change->name);
        print_name(out, change->parent2, change->name2);
        buffer_printf(out, " %lu%s", (unsigned long)change->ino,
                      S_ISDIR(change->mode)   ? "d"
                      : S_ISREG(change->mode) ? "f"
                                              : "?");
    }
}

static void assert_told(struct fixture *f, const char *expected)
{
    const struct tree_changes *changes = tree_changes(f->tree);
    struct buffer told = {0};
    print_changes(changes, &told);
    if (!bytes_equal(bytes_of(told.data, told.len), text(expected)))
        fail_msg("'%.*s' instead of '%s'", (int)told.len, (char *)told.data, expected);
    if (changes->count > 0)
        assert_int_equal(changes->revision, tree_applied(f->tree));
    buffer_free(&told);
}

/* An operation that succeeds tells this. */
static void assert_tells(struct fixture *f, struct op op, const char *expected)
{
    /* The entry lives as long as the test looks at names. */
    struct buffer entry = fixture_entry(f, &op, 1);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);

    assert_int_equal(result.status, 0);
    command_result_free(&result);
    assert_told(f, expected);
    if (tree_changes(f->tree)->count > 0)
        assert_int_equal(tree_changes(f->tree)->node, f->node);
    buffer_free(&entry);
}

static int observed(void **state)
{
    fixture_setup(state);
    tree_observe(((struct fixture *)*state)->tree, true);
    return 0;
}
#define CHANGES_TEST(name) cmocka_unit_test_setup_teardown(name, observed, fixture_teardown)

/* ---- By operation ---- */

static void changes_of_keys_are_told(void **state)
{
    struct fixture *f = *state;
    struct op delete = {.type = OP_DELETE, .name = text("a/b/c")};
    assert_tells(f, make_put("a/b/c", "1"), "created 1/a 2d, created 2/b 3d, created 3/c 4f");
    assert_tells(f, make_put("a/b/c", "2"), "written 4f");
    assert_tells(f, make_put("a/b/c", "2"), "written 4f");
    assert_tells(f, delete, "deleted 3/c 4f");
    assert_tells(f, delete, "");
    char large[5000];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = 0;
    assert_tells(f, make_put("a/large", large), "created 2/large 5f");
}

/* Leases have no names, so nothing is told of them but what becomes of their files. */
static void changes_of_what_goes_away_are_told(void **state)
{
    struct fixture *f = *state;
    struct op put = make_put("l", "1");
    uint64_t file = fixture_make_file(f, INO_ROOT, "f");
    assert_tells(f, (struct op){.type = OP_TTL, .ino = file, .size = 1000}, "attributes 2f");
    struct op expire = {.type = OP_EXPIRE, .ino = file, .revision = 1};
    assert_tells(f, expire, "");
    expire.revision = fixture_getattr(f, file).revision;
    assert_tells(f, expire, "deleted 1/f 2f");
    assert_tells(f, (struct op){.type = OP_LEASE, .lease = 7, .size = 1000}, "");
    put.lease = 7;
    assert_tells(f, put, "created 1/l 3f");
    assert_tells(f, (struct op){.type = OP_LEASE_RENEW, .lease = 7}, "");
    assert_tells(f, (struct op){.type = OP_LEASE_END, .lease = 7}, "deleted 1/l 3f");
}

static void changes_of_contents_are_told(void **state)
{
    struct fixture *f = *state;
    uint64_t file = fixture_make_file(f, INO_ROOT, "f");
    struct op op = make_write(file, 5, "hello");
    assert_tells(f, op, "written 2f");
    op.data.len = 0;
    assert_tells(f, op, "");
    op.flags = OP_TRUNCATE_FIRST;
    assert_tells(f, op, "written 2f");
    op = (struct op){.type = OP_APPEND, .ino = file, .data = text("x")};
    assert_tells(f, op, "written 2f");
    op = (struct op){.type = OP_TRUNCATE, .ino = file, .size = 100};
    assert_tells(f, op, "written 2f");
    op = (struct op){.type = OP_PUNCH, .ino = file, .offset = 5, .size = 10};
    assert_tells(f, op, "written 2f");
    op = (struct op){.type = OP_ALLOCATE, .ino = file, .size = 100};
    assert_tells(f, op, "");
    op.size = 101;
    assert_tells(f, op, "written 2f");
}

static void changes_of_attributes_are_told(void **state)
{
    struct fixture *f = *state;
    uint64_t file = fixture_make_file(f, INO_ROOT, "f");
    struct op op = {.type = OP_SETATTR, .ino = file, .flags = OP_SET_MODE, .mode = 0600};
    assert_tells(f, op, "attributes 2f");
    op = (struct op){.type = OP_SETXATTR, .ino = file, .name = text("user.a"), .data = text("b")};
    assert_tells(f, op, "attributes 2f");
    op.type = OP_REMOVEXATTR;
    assert_tells(f, op, "attributes 2f");
}

static void changes_of_names_are_told(void **state)
{
    struct fixture *f = *state;
    struct op op = make_named(OP_CREATE, INO_ROOT, "f");
    assert_tells(f, op, "created 1/f 2f");
    assert_tells(f, op, ""); /* it is there */
    assert_tells(f, make_named(OP_MKDIR, INO_ROOT, "d"), "created 1/d 3d");
    assert_tells(f, make_named(OP_MKNOD, 3, "n"), "created 3/n 4f");
    op = make_named(OP_SYMLINK, 3, "s");
    op.data = text("target");
    assert_tells(f, op, "created 3/s 5?");
    op = make_named(OP_LINK, 3, "l");
    op.ino2 = 2;
    assert_tells(f, op, "created 3/l 2f");
    assert_tells(f, make_named(OP_UNLINK, 1, "f"), "deleted 1/f 2f");
    op = make_named(OP_UNLINK, 3, "l");
    op.hold = 2;
    assert_tells(f, op, "deleted 3/l 2f");
    assert_tells(f, make_write(2, 0, "x"), "written 2f"); /* it has no name any more */
    assert_tells(f, (struct op){.type = OP_RELEASE, .ino = 2}, "");
    assert_tells(f, make_named(OP_UNLINK, 3, "s"), "deleted 3/s 5?");
    assert_tells(f, make_named(OP_UNLINK, 3, "n"), "deleted 3/n 4f");
    assert_tells(f, make_named(OP_RMDIR, 1, "d"), "deleted 1/d 3d");
}

static void renames_are_told(void **state)
{
    struct fixture *f = *state;
    struct op link = make_named(OP_LINK, INO_ROOT, "l");
    uint64_t d = fixture_make_dir(f, INO_ROOT, "d");
    fixture_must(f, make_put("f", "1"));
    fixture_must(f, make_put("g", "2"));
    assert_tells(f, make_rename(1, "f", d, "h", 0), "moved-from 1/f 2/h 3f, moved-to 2/h 1/f 3f");
    assert_tells(f, make_rename(1, "g", d, "h", OP_EXCHANGE),
                 "moved-from 1/g 2/h 4f, moved-from 2/h 1/g 3f,"
                 " moved-to 2/h 1/g 4f, moved-to 1/g 2/h 3f");
    assert_tells(f, make_rename(1, "g", d, "h", 0),
                 "deleted 2/h 4f, moved-from 1/g 2/h 3f, moved-to 2/h 1/g 3f");
    link.ino2 = 3;
    fixture_must(f, link);
    assert_tells(f, make_rename(1, "l", d, "h", 0), ""); /* both are the same file */
    assert_tells(f, make_rename(1, "d", 1, "e", OP_NO_REPLACE),
                 "moved-from 1/d 1/e 2d, moved-to 1/e 1/d 2d");
}

/* ---- Nothing is told of what did not happen ---- */

static void the_changes_of_a_list_are_told_once(void **state)
{
    struct fixture *f = *state;
    struct op ops[] = {make_put("a", "1"), make_put("b/c", "2"), make_put("a", "3")};
    struct buffer entry = fixture_entry(f, ops, 3);
    bool repeated;
    struct command_result result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_told(f, "created 1/a 2f, created 1/b 3d, created 3/c 4f, written 2f");
    command_result_free(&result);
    result = fixture_apply(f, bytes_of(entry.data, entry.len), &repeated);
    assert_true(repeated);
    assert_told(f, "");
    command_result_free(&result);
    buffer_free(&entry);
    ops[2] = make_named(OP_UNLINK, INO_ROOT, "missing");
    assert_int_equal(fixture_run(f, ops, 3, NULL), -ENOENT);
    assert_told(f, "");
    result = fixture_apply(f, text("\1no command"), &repeated);
    assert_told(f, "");
    command_result_free(&result);
}

static void without_an_observer_nothing_is_noted(void **state)
{
    struct fixture *f = *state;
    tree_observe(f->tree, false);
    fixture_must(f, make_put("a", "1"));
    assert_told(f, "");
    tree_observe(f->tree, true);
    assert_told(f, "");
    assert_tells(f, make_put("a", "1"), "written 2f");
}

static void many_changes_are_told(void **state)
{
    enum { OPS = 6000 };
    struct fixture *f = *state;
    struct op *ops = calloc(OPS, sizeof *ops);
    char(*keys)[16] = calloc(OPS, sizeof *keys);

    for (int i = 0; i < OPS; i++) {
        snprintf(keys[i], sizeof *keys, "key/%d", i);
        ops[i] = make_put(keys[i], "x");
    }
    assert_int_equal(fixture_run(f, ops, OPS, NULL), 0);
    assert_int_equal(tree_changes(f->tree)->count, OPS + 1);
    assert_int_equal(tree_changes(f->tree)->list[OPS].ino, 2 + OPS);
    free(keys);
    free(ops);
    assert_tells(f, make_put("key/7", "y"), "written 10f");
}

/* Their names are not in the entry. */
static void directories_that_go_with_their_keys_are_told(void **state)
{
    struct fixture *f = *state;
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = 3});
    fixture_must(f, make_put("dir/sub/a", "1"));
    fixture_must(f, make_put("dir/other/a", "1"));
    uint64_t dir = fixture_resolve(f, "dir").ino, sub = fixture_resolve(f, "dir/sub").ino;
    uint64_t other = fixture_resolve(f, "dir/other").ino;
    fixture_must(f, make_named(OP_UNLINK, sub, "a"));
    fixture_must(f, make_named(OP_UNLINK, other, "a"));
    fixture_must(f, make_put("dir", "1"));
    const struct tree_changes *changes = tree_changes(f->tree);
    assert_int_equal(changes->count, 4);
    static const char *const names[] = {"sub", "other", "dir"};
    const uint64_t inos[] = {sub, other, dir};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(changes->list[i].kind, CHANGE_DELETED);
        assert_int_equal(changes->list[i].ino, inos[i]);
        assert_true(bytes_equal(changes->list[i].name, text(names[i])));
    }
    assert_int_equal(changes->list[3].kind, CHANGE_CREATED);
    fixture_must(f, make_put("x/y", "1"));
    fixture_must(f, (struct op){.type = OP_DELETE, .name = text("x/y")});
    changes = tree_changes(f->tree);
    assert_int_equal(changes->count, 2);
    assert_true(bytes_equal(changes->list[1].name, text("x")));
}

/* Names of files that go are not in the entry either. */
static void files_that_go_with_a_session_are_told(void **state)
{
    struct fixture *f = *state;
    struct op op = make_named(OP_EPHEMERAL, INO_ROOT, "e");
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_MAX});
    assert_tells(f, op, "created 1/e 2f, ephemeral 2?");
    assert_tells(f, (struct op){.type = OP_EPHEMERAL_END, .ino = 2}, "deleted 1/e 2f");
    fixture_must(f, make_put("dir/key", "1"));
    op = make_named(OP_EPHEMERAL, 3, "e");
    assert_tells(f, op, "created 3/e 5f, ephemeral 5?");
    assert_tells(f, (struct op){.type = OP_DELETE, .name = text("dir/key")}, "deleted 3/key 4f");
    uint64_t number = tree_lock_session(f->tree, f->node);
    struct op end = {.type = OP_END_SESSION, .size = f->node, .revision = number};
    assert_tells(f, end, "deleted 3/e 5f, deleted 1/dir 3d, ended 0?");
}

/* ---- Under random operations ---- */

/* The names of the tree, from what was told alone. */
struct shadow {
    struct model_name name[MODEL_NAMES]; /* ino 0: unused */
};

static struct model_name *shadow_find(struct shadow *s, uint64_t parent, struct bytes name)
{
    for (int i = 0; i < MODEL_NAMES; i++) {
        struct model_name *n = &s->name[i];
        if (n->ino && n->parent == parent && bytes_equal(bytes_of_text(n->name), name))
            return n;
    }
    return NULL;
}

static void shadow_add(struct shadow *s, const struct tree_change *change)
{
    struct model_name *n = s->name;
    assert_null(shadow_find(s, change->parent, change->name));
    while (n->ino)
        n++;
    *n = (struct model_name){.parent = change->parent, .ino = change->ino};
    memcpy(n->name, change->name.data, change->name.len);
}

static void shadow_remove(struct shadow *s, const struct tree_change *change)
{
    struct model_name *n = shadow_find(s, change->parent, change->name);
    assert_non_null(n);
    assert_int_equal(n->ino, change->ino);
    n->ino = 0;
}

static void shadow_replay(struct shadow *s, const struct tree_changes *changes)
{
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->list[i];
        if (change->kind == CHANGE_CREATED || change->kind == CHANGE_MOVED_TO)
            shadow_add(s, change);
        if (change->kind == CHANGE_DELETED || change->kind == CHANGE_MOVED_FROM)
            shadow_remove(s, change);
    }
}

struct comparison {
    struct shadow *shadow;
    uint64_t ino;
    uint32_t found;
};

static bool shadow_has(void *arg, uint64_t parent, struct bytes name)
{
    struct comparison *c = arg;
    const struct model_name *n = shadow_find(c->shadow, parent, name);
    assert_non_null(n);
    assert_int_equal(n->ino, c->ino);
    c->found++;
    return true;
}

/* By way of the inodes: their names are the shadow's, all of them. */
static void shadow_compare(struct fixture *f, struct shadow *s, uint64_t inodes)
{
    struct comparison c = {.shadow = s};
    uint32_t names = 0;
    for (c.ino = 1; c.ino < inodes; c.ino++)
        assert_int_equal(tree_names(f->tree, c.ino, shadow_has, &c), 0);
    for (int i = 0; i < MODEL_NAMES; i++)
        names += s->name[i].ino != 0;
    assert_int_equal(c.found, names);
}

static bool concerns(const struct tree_changes *changes, uint64_t ino)
{
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct tree_change *change = &changes->list[i];
        if (change->ino == ino || change->parent == ino || change->parent2 == ino)
            return true;
    }
    return false;
}

/* Exactly the inodes that got the entry's revision are told of, themselves or as directories of a
 * name: nothing is forgotten, nothing is made up. */
static void assert_whole(struct fixture *f, uint64_t inodes)
{
    const struct tree_changes *changes = tree_changes(f->tree);
    struct attr attr;
    for (uint64_t ino = 1; ino < inodes; ino++) {
        if (tree_getattr(f->tree, ino, &attr) < 0)
            continue;
        bool changed = attr.revision == tree_applied(f->tree);
        if (changed != concerns(changes, ino))
            fail_msg("inode %lu at revision %lu", (unsigned long)ino, (unsigned long)attr.revision);
    }
}

static void the_changes_replayed_make_the_same_tree(void **state)
{
    struct fixture *f = *state;
    struct script_nodes nodes = script_nodes();
    uint64_t seed = random_seed();
    struct model *m = model_new();
    struct shadow *shadow = calloc(1, sizeof *shadow);
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        struct command_result expected;
        struct buffer entry = script_next(&nodes, &m, &seed, &expected);
        script_run(f, &entry, expected.status);
        command_result_free(&expected);
        shadow_replay(shadow, tree_changes(f->tree));
        assert_whole(f, m->inodes);
        if (i % 100 == 0)
            shadow_compare(f, shadow, m->inodes);
        buffer_free(&entry);
    }
    shadow_compare(f, shadow, m->inodes);
    free(shadow);
    model_free(m);
}

/* The same at two nodes, one of which is behind and takes other batches. */
static void the_changes_are_the_same_everywhere(void **state)
{
    struct fixture *f = *state, other;
    uint64_t seed = random_seed();
    struct script *s = script_new(seed);
    struct buffer *told = calloc(SCRIPT_ENTRIES, sizeof *told);
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        script_run(f, &s->entry[i], s->status[i]);
        print_changes(tree_changes(f->tree), &told[i]);
        buffer_put_u8(&told[i], 0);
    }
    fixture_open(&other);
    for (int i = 0; i < SCRIPT_ENTRIES; i++) {
        if (random_below(&seed, 300) == 0)
            fixture_reopen(&other);
        else if (random_below(&seed, 10) == 0)
            assert_int_equal(tree_commit(other.tree), 0);
        tree_observe(other.tree, true);
        script_run(&other, &s->entry[i], s->status[i]);
        assert_told(&other, (const char *)told[i].data);
        buffer_free(&told[i]);
    }
    fixture_close(&other);
    free(told);
    script_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGES_TEST(changes_of_keys_are_told),
        CHANGES_TEST(changes_of_what_goes_away_are_told),
        CHANGES_TEST(changes_of_contents_are_told),
        CHANGES_TEST(changes_of_attributes_are_told),
        CHANGES_TEST(changes_of_names_are_told),
        CHANGES_TEST(renames_are_told),
        CHANGES_TEST(the_changes_of_a_list_are_told_once),
        CHANGES_TEST(without_an_observer_nothing_is_noted),
        CHANGES_TEST(many_changes_are_told),
        CHANGES_TEST(directories_that_go_with_their_keys_are_told),
        CHANGES_TEST(files_that_go_with_a_session_are_told),
        CHANGES_TEST(the_changes_replayed_make_the_same_tree),
        CHANGES_TEST(the_changes_are_the_same_everywhere),
    };
    return cmocka_run_group_tests_name("tree_changes", tests, NULL, NULL);
}
