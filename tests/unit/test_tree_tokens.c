/* Tokens: they are kept, found and removed; a command that comes by one is checked with what it
 * may. */
#include "tree_fixture.h"

#include "command/level.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

/* TOKEN_ADD of a token whose hash is 32 times this byte. Valid until the next call. */
static struct op add_of(const char *name, uint8_t byte, uint32_t uid, const char *path)
{
    static uint8_t data[TOKEN_HASH_BYTES + 8];
    memset(data, byte, TOKEN_HASH_BYTES);
    memcpy(data + TOKEN_HASH_BYTES, "\1\0\0\0\2\0\0\0", 8);
    return (struct op){.type = OP_TOKEN_ADD,
                       .name = text(name),
                       .name2 = text(path),
                       .uid = uid,
                       .gid = 100,
                       .data = bytes_of(data, sizeof data)};
}

static struct op remove_of(const char *name)
{
    return (struct op){.type = OP_TOKEN_REMOVE, .name = text(name)};
}

static int find_token(struct fixture *f, uint8_t byte, struct tree_token *token)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    memset(hash, byte, sizeof hash);
    return tree_token_find(f->tree, hash, token);
}

/* Adds a token and gives the caller who comes by it. */
static struct caller must_add(struct fixture *f, struct op add)
{
    struct tree_token token;
    fixture_must(f, add);
    assert_int_equal(find_token(f, add.data.data[0], &token), 0);
    return token.caller;
}

static int run_as(struct fixture *f, const struct caller *caller, struct op op)
{
    struct op_result out;
    const struct op ops[] = {{.type = OP_AS, .revision = caller->token}, op};
    return fixture_run(f, ops, 2, &out);
}

static void begin(struct fixture *f)
{
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_TOKENS});
}

static void a_token_is_found_by_its_hash(void **state)
{
    struct fixture *f = *state;
    struct tree_token token;
    begin(f);
    assert_int_equal(find_token(f, 1, &token), -ENOENT);
    struct op add = add_of("ci", 1, 1000, "etc/app");
    add.flags = OP_READ_ONLY;
    add.mtime = 50 * SECOND;
    fixture_must(f, add);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(find_token(f, 1, &token), 0);
        assert_int_equal(find_token(f, 2, &(struct tree_token){0}), -ENOENT);
        assert_true(bytes_equal(bytes_of(token.name, token.name_len), text("ci")));
        assert_true(bytes_equal(bytes_of(token.path, token.path_len), text("etc/app")));
        assert_int_equal(token.caller.token, tree_applied(f->tree));
        assert_int_equal(token.caller.uid, 1000);
        assert_int_equal(token.caller.gid, 100);
        assert_int_equal(token.caller.group_count, 2);
        assert_true(token.caller.groups[0] == 1 && token.caller.groups[1] == 2);
        assert_true(token.read_only);
        assert_int_equal(token.expires, 50 * SECOND);
        assert_int_equal(token.made, tree_time(f->tree));
        fixture_reopen(f);
    }
    assert_int_equal(fixture_resolve(f, "ci").ino, 0); /* no key leads to it */
}

static void tokens_are_listed_by_name(void **state)
{
    struct fixture *f = *state;
    struct tree_token token = {0};
    begin(f);
    fixture_must(f, add_of("b", 1, 1, ""));
    fixture_must(f, add_of("a", 2, 2, ""));
    fixture_must(f, add_of("c.d-e_F9", 3, 3, ""));
    uint32_t order = 0;
    while (tree_token_next(f->tree, bytes_of(token.name, token.name_len), &token) == 0)
        order = 10 * order + token.caller.uid;
    assert_int_equal(order, 213);
}

static void names_and_bytes_are_unique(void **state)
{
    struct fixture *f = *state;
    struct tree_token token;
    begin(f);
    fixture_must(f, add_of("a", 1, 1, ""));
    assert_int_equal(fixture_do(f, add_of("a", 2, 1, "")), -EEXIST);
    assert_int_equal(fixture_do(f, add_of("b", 1, 1, "")), -EEXIST);
    assert_int_equal(find_token(f, 2, &token), -ENOENT);
    uint8_t other[TOKEN_HASH_BYTES] = {7};
    struct op second = add_of("b", 2, 1, "");
    second.data = bytes_of(other, sizeof other);
    const struct op two[] = {add_of("c", 3, 1, ""), second};
    assert_int_equal(fixture_run(f, two, 2, &(struct op_result){0}), -EINVAL);
    assert_int_equal(find_token(f, 3, &token), -ENOENT);
    struct caller undone = {.token = tree_applied(f->tree)};
    assert_int_equal(run_as(f, &undone, make_put("key", "1")), -EKEYREVOKED);
    fixture_must(f, remove_of("a"));
    assert_int_equal(fixture_do(f, remove_of("a")), -ENOENT);
    fixture_must(f, add_of("a", 1, 1, ""));
}

static void malformed_tokens_are_refused(void **state)
{
    struct fixture *f = *state;
    char name[TOKEN_NAME_BYTES_MAX + 2] = {0};
    begin(f);
    memset(name, 'n', TOKEN_NAME_BYTES_MAX + 1);
    static const char *const names[] = {"", "a b", "a/b", "ä", "a\n"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(fixture_do(f, add_of(names[i], 1, 1, "")), -EINVAL);
    assert_int_equal(fixture_do(f, add_of(name, 1, 1, "")), -EINVAL);
    name[TOKEN_NAME_BYTES_MAX] = '\0';
    assert_int_equal(fixture_do(f, add_of(name, 1, 1, "")), 0);
    assert_int_equal(fixture_do(f, add_of("a", 2, 1, "/etc")), -EINVAL);
    assert_int_equal(fixture_do(f, add_of("a", 2, 1, "etc/..")), -EINVAL);
    struct op add = add_of("a", 2, 1, "");
    add.data.len--;
    assert_int_equal(fixture_do(f, add), -EINVAL);
    add.data.len = TOKEN_HASH_BYTES - 1;
    assert_int_equal(fixture_do(f, add), -EINVAL);
    add.data.len = TOKEN_HASH_BYTES;
    add.mtime = (int64_t)tree_time(f->tree); /* is over by then */
    assert_int_equal(fixture_do(f, add), -EINVAL);
    add.mtime = -1;
    assert_int_equal(fixture_do(f, add), -EINVAL);
    static uint8_t groups[TOKEN_HASH_BYTES + 4 * CALLER_GROUPS_MAX + 4];
    add.mtime = 0;
    add.data = bytes_of(groups, sizeof groups);
    assert_int_equal(fixture_do(f, add), -EINVAL);
    add.data.len -= 4;
    assert_int_equal(fixture_do(f, add), 0);
}

static void a_token_acts_as_its_user(void **state)
{
    struct fixture *f = *state;
    begin(f);
    struct caller caller = must_add(f, add_of("ci", 1, 1000, ""));
    assert_int_equal(run_as(f, &caller, make_put("a/b", "1")), 0);
    assert_int_equal(fixture_resolve(f, "a/b").uid, 1000);
    fixture_must(f, make_put("theirs/key", "1"));
    assert_int_equal(run_as(f, &caller, make_put("theirs/key", "1")), -EACCES);
    assert_int_equal(tree_may(f->tree, &caller, text("theirs/key"), CALLER_READ), 0);
    assert_int_equal(tree_may(f->tree, &caller, text("theirs/key"), CALLER_WRITE), -EACCES);
    /* User 0 may do everything, but not make tokens. */
    struct caller admin = must_add(f, add_of("admin", 2, 0, ""));
    assert_int_equal(run_as(f, &admin, make_put("theirs/key", "1")), 0);
    assert_int_equal(run_as(f, &admin, add_of("more", 3, 0, "")), -EPERM);
    assert_int_equal(run_as(f, &admin, remove_of("ci")), -EPERM);
}

static void a_removed_token_may_nothing(void **state)
{
    struct fixture *f = *state;
    bool more;
    begin(f);
    struct caller caller = must_add(f, add_of("ci", 1, 0, ""));
    assert_int_equal(run_as(f, &caller, make_put("key", "1")), 0);
    assert_int_equal(tree_may(f->tree, &caller, text("key"), CALLER_READ), 0);
    fixture_must(f, remove_of("ci"));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(run_as(f, &caller, make_put("key", "2")), -EKEYREVOKED);
        assert_int_equal(tree_may(f->tree, &caller, text("key"), CALLER_READ), -EKEYREVOKED);
        assert_int_equal(tree_may_see(f->tree, &caller, text("key")), -EKEYREVOKED);
        assert_int_equal(tree_keys(f->tree, &caller, text(""), text(""), 10, NULL, NULL, &more,
                                   &(struct buffer){0}),
                         -EKEYREVOKED);
        fixture_must(f, add_of("ci", 1, 0, "")); /* the same bytes again are another token */
        if (round == 0)
            fixture_must(f, remove_of("ci"));
    }
    fixture_assert_contents(f, fixture_resolve(f, "key").ino, "1");
}

/* A list that is undone takes its removal back. */
static void a_removal_that_is_undone_is_none(void **state)
{
    struct fixture *f = *state;
    begin(f);
    struct caller caller = must_add(f, add_of("ci", 1, 1000, ""));
    const struct op list[] = {remove_of("ci"), remove_of("none")};
    assert_int_equal(fixture_run(f, list, 2, &(struct op_result){0}), -ENOENT);
    assert_int_equal(run_as(f, &caller, make_put("key", "1")), 0);
    const struct op adds[] = {add_of("other", 2, 0, ""), remove_of("none")};
    assert_int_equal(fixture_run(f, adds, 2, &(struct op_result){0}), -ENOENT);
    struct caller undone = {.token = tree_applied(f->tree)};
    assert_int_equal(run_as(f, &undone, make_put("key", "2")), -EKEYREVOKED);
}

static void a_token_is_over_in_time(void **state)
{
    struct fixture *f = *state;
    struct tree_token token;
    begin(f);
    struct op add = add_of("ci", 1, 1000, "");
    f->time = 10 * SECOND;
    add.mtime = 20 * SECOND;
    struct caller caller = must_add(f, add);
    f->time = 20 * SECOND - 1;
    assert_int_equal(run_as(f, &caller, make_put("key", "1")), 0);
    assert_int_equal(tree_may(f->tree, &caller, text("key"), CALLER_READ), 0);
    f->time = 20 * SECOND;
    assert_int_equal(run_as(f, &caller, make_put("key", "2")), -EKEYREVOKED);
    fixture_must(f, make_put("other", "1")); /* the time goes on */
    assert_int_equal(tree_may(f->tree, &caller, text("key"), CALLER_READ), -EKEYREVOKED);
    assert_int_equal(find_token(f, 1, &token), 0); /* until another one is made */
    assert_int_equal(fixture_do(f, add_of("ci", 1, 1, "")), 0);
    assert_int_equal(find_token(f, 1, &token), 0);
    assert_int_equal(token.expires, 0);
    assert_true(token.caller.token != caller.token);
}

static void a_token_for_reading_changes_nothing(void **state)
{
    struct fixture *f = *state;
    begin(f);
    fixture_must(f, make_put("key", "1"));
    struct op add = add_of("ci", 1, 0, "");
    add.flags = OP_READ_ONLY;
    struct caller caller = must_add(f, add);
    const struct op changes[] = {make_put("key", "2"),
                                 {.type = OP_DELETE, .name = text("key")},
                                 {.type = OP_LEASE, .lease = 5, .size = 1000},
                                 {.type = OP_LEASE_RENEW, .lease = 5},
                                 {.type = OP_LEASE_END, .lease = 5},
                                 {.type = OP_TTL, .ino = 2, .size = 1000}};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        assert_int_equal(run_as(f, &caller, changes[i]), -EROFS);
    assert_int_equal(tree_may(f->tree, &caller, text("key"), CALLER_WRITE), -EROFS);
    assert_int_equal(tree_may(f->tree, &caller, text("key"), CALLER_READ), 0);
    assert_int_equal(
        run_as(f, &caller, (struct op){.type = OP_IF, .name = text("key"), .flags = OP_IF_EXISTS}),
        0);
}

/* A tree_key_cb. */
static bool count_key(void *arg, struct bytes key, const struct attr *attr)
{
    ++*(int *)arg;
    return true;
}

static int list_as(struct fixture *f, const struct caller *caller, const char *prefix)
{
    int count = 0;
    bool more;
    int status = tree_keys(f->tree, caller, text(prefix), text(""), 100, count_key, &count, &more,
                           &(struct buffer){0});
    return status < 0 ? status : count;
}

static void a_token_stays_below_its_path(void **state)
{
    struct fixture *f = *state;
    begin(f);
    fixture_must(f, make_put("etc/app/key", "1"));
    fixture_must(f, make_put("etc/apple", "1"));
    fixture_must(f, make_put("etc/application/key", "1"));
    struct caller caller = must_add(f, add_of("ci", 1, 0, "etc/app"));
    static const char *const inside[] = {"etc/app/key", "etc/app/new", "etc/app/a/b", "etc/app/a"};
    static const char *const outside[] = {
        "etc/apple", "etc/application/key", "etc", "etc/ap", "key", "etc/appl"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        assert_int_equal(tree_may(f->tree, &caller, text(inside[i]), CALLER_READ), 0);
        assert_int_equal(tree_may_see(f->tree, &caller, text(inside[i])), 0);
    }
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        struct op condition = {.type = OP_IF, .name = text(outside[i]), .flags = OP_IF_EXISTS};
        assert_int_equal(tree_may(f->tree, &caller, text(outside[i]), 0), -EACCES);
        assert_int_equal(run_as(f, &caller, make_put(outside[i], "1")), -EACCES);
        assert_int_equal(
            run_as(f, &caller, (struct op){.type = OP_DELETE, .name = text(outside[i])}), -EACCES);
        assert_int_equal(run_as(f, &caller, condition), -EACCES);
        assert_int_equal(tree_may_see(f->tree, &caller, text(outside[i])),
                         strcmp(outside[i], "etc") == 0 ? 0 : -EACCES); /* it may move away */
    }
    assert_int_equal(run_as(f, &caller, make_put("etc/app/key", "2")), 0);
    assert_int_equal(run_as(f, &caller, make_put("etc/app/a/b", "2")), 0);
    assert_int_equal(list_as(f, &caller, "etc/app/"), 2);
    assert_int_equal(list_as(f, &caller, "etc/app"), 2); /* not those that only begin so */
    assert_int_equal(list_as(f, &caller, "etc/app/key"), 1);
    assert_int_equal(list_as(f, &caller, "etc/"), -EACCES);
    assert_int_equal(list_as(f, &caller, ""), -EACCES);
    assert_int_equal(list_as(f, &caller, "etc/appl"), -EACCES);
}

/* A name that is elsewhere does not go because of a token. */
static void a_ttl_stays_below_the_path_of_its_token(void **state)
{
    struct fixture *f = *state;
    begin(f);
    fixture_must(f, make_put("etc/app/key", "1"));
    struct caller caller = must_add(f, add_of("ci", 1, 0, "etc/app"));
    struct op put = make_put("etc/app/key", "2"), link = make_named(OP_LINK, INO_ROOT, "link");
    put.ttl = 1000;
    assert_int_equal(run_as(f, &caller, put), 0);
    link.ino2 = fixture_resolve(f, "etc/app/key").ino;
    fixture_must(f, link);
    assert_int_equal(run_as(f, &caller, put), -EACCES);
}

static void leases_are_for_their_tokens(void **state)
{
    struct fixture *f = *state;
    struct tree_lease lease;
    begin(f);
    struct caller one = must_add(f, add_of("one", 1, 1000, ""));
    struct caller two = must_add(f, add_of("two", 2, 1000, ""));
    const struct caller user = {.uid = 1000};
    assert_int_equal(run_as(f, &one, (struct op){.type = OP_LEASE, .lease = 5, .size = 1000}), 0);
    assert_int_equal(tree_lease_get(f->tree, 5, &lease), 0);
    assert_true(lease.uid == 1000 && lease.token == one.token);
    assert_true(tree_lease_may(&one, &lease) && tree_lease_may(&user, &lease));
    assert_false(tree_lease_may(&two, &lease));
    assert_int_equal(run_as(f, &two, (struct op){.type = OP_LEASE_END, .lease = 5}), -EPERM);
    assert_int_equal(run_as(f, &one, (struct op){.type = OP_LEASE_RENEW, .lease = 5}), 0);
    assert_int_equal(tree_lease_get(f->tree, 5, &lease), 0);
    assert_int_equal(lease.token, one.token);
}

static void there_are_so_many_at_most(void **state)
{
    struct fixture *f = *state;
    begin(f);
    char sql[512];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO token SELECT i + 1000000, CAST('n' || i AS BLOB), randomblob(32), 1, 1,"
             " x'', 0, x'', 0, iif(i = 1, 20000000000, 0) FROM n",
             TOKENS_MAX);
    fixture_detach(f);
    fixture_sql(f, sql);
    fixture_attach(f);
    assert_int_equal(fixture_do(f, add_of("more", 1, 1, "")), -EDQUOT);
    f->time = 20 * SECOND; /* one of them is over, and makes room */
    assert_int_equal(fixture_do(f, add_of("more", 1, 1, "")), 0);
    assert_int_equal(fixture_do(f, add_of("again", 2, 1, "")), -EDQUOT);
    fixture_must(f, remove_of("n2"));
    assert_int_equal(fixture_do(f, add_of("again", 2, 1, "")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_token_is_found_by_its_hash),
        FIXTURE_TEST(tokens_are_listed_by_name),
        FIXTURE_TEST(names_and_bytes_are_unique),
        FIXTURE_TEST(malformed_tokens_are_refused),
        FIXTURE_TEST(a_token_acts_as_its_user),
        FIXTURE_TEST(a_removed_token_may_nothing),
        FIXTURE_TEST(a_removal_that_is_undone_is_none),
        FIXTURE_TEST(a_token_is_over_in_time),
        FIXTURE_TEST(a_token_for_reading_changes_nothing),
        FIXTURE_TEST(a_token_stays_below_its_path),
        FIXTURE_TEST(a_ttl_stays_below_the_path_of_its_token),
        FIXTURE_TEST(leases_are_for_their_tokens),
        FIXTURE_TEST(there_are_so_many_at_most),
    };
    return cmocka_run_group_tests_name("tree_tokens", tests, NULL, NULL);
}
