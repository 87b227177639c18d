/* Which commands are refused for lack of room, by what the nodes say of their disks. */
#include "replica_parts.h"

#include <string.h>
#include <sys/stat.h>

enum { OTHER = PARTS_ME + 1, THIRD = PARTS_ME + 2 };

#define MB (UINT64_C(1) << 20)

static void say(struct parts *p, uint32_t pid, enum frame_room room, uint64_t bytes)
{
    const struct frame frame = {
        .type = FRAME_ROOM, .from = pid, .room = (uint8_t)room, .room_bytes = bytes};
    rooms_frame(&p->r, &frame);
}

static struct replica *three_nodes(struct parts *p)
{
    struct replica *r = &p->r;
    r->cluster.count = 3;
    r->status.peer_count = 2;
    for (uint32_t i = 0; i < 3; i++)
        r->cluster.members[i].pid = PARTS_ME + i;
    for (uint32_t i = 0; i < 2; i++) {
        r->status.peers[i].pid = OTHER + i;
        r->status.peers[i].alive = true;
        r->status.peers[i].standing = PAXOS_MEMBER;
    }
    r->rooms.own = (struct room_report){ROOM_PLENTY, 90 * MB};
    return r;
}

static bool refuses(const struct replica *r, const struct op *op)
{
    struct command command = {0};
    assert_int_equal(command_add(&command, op), 0);
    bool refused = rooms_refuse(r, &command);
    command_free(&command);
    return refused;
}

static const struct op small_put = {
    .type = OP_PUT, .name = {(const uint8_t *)"k", 1}, .data = {(const uint8_t *)"v", 1}};
static const struct op deletion = {.type = OP_DELETE, .name = {(const uint8_t *)"k", 1}};

static bool grows(const struct op *first, const struct op *second)
{
    struct command command = {0};
    assert_int_equal(command_add(&command, first), 0);
    if (second)
        assert_int_equal(command_add(&command, second), 0);
    bool yes = command.grows;
    command_free(&command);
    return yes;
}

#define OPERATION_TYPE(name, number, function, level) OP_##name,
static const uint8_t op_types[] = {OPERATIONS(OPERATION_TYPE)};
#undef OPERATION_TYPE

static void what_makes_room_or_takes_none_does_not_grow(void **state)
{
    static const uint8_t growing[] = {OP_PUT,   OP_WRITE, OP_APPEND,   OP_ALLOCATE, OP_CREATE,
                                      OP_MKNOD, OP_MKDIR, OP_SYMLINK,  OP_LINK,     OP_SETXATTR,
                                      OP_TTL,   OP_LEASE, OP_EPHEMERAL};
    for (size_t i = 0; i < sizeof op_types; i++) {
        const struct op op = {.type = op_types[i], .ino = 2, .name = small_put.name};
        bool listed = memchr(growing, op.type, sizeof growing);
        assert_int_equal(grows(&op, NULL), listed);
    }
    assert_true(grows(&deletion, &small_put));
    assert_true(grows(&small_put, &deletion));
    assert_false(grows(&deletion, &deletion));
}

static void a_minority_without_room_stops_nobody(void **state)
{
    struct parts *p = parts_new();
    struct replica *r = three_nodes(p);
    assert_false(refuses(r, &small_put)); /* the others have not said, and may be of before */
    say(p, OTHER, ROOM_FULL, 0);
    assert_false(refuses(r, &small_put));
    say(p, THIRD, ROOM_LOW, 0);
    assert_true(refuses(r, &small_put));
    assert_false(refuses(r, &deletion));
    say(p, THIRD, ROOM_FULL, 0);
    assert_true(refuses(r, &deletion));
    say(p, THIRD, ROOM_PLENTY, 90 * MB);
    assert_false(refuses(r, &small_put));
    r->rooms.own = (struct room_report){ROOM_LOW, 0};
    assert_true(refuses(r, &small_put));
    assert_false(refuses(r, &deletion));
    parts_free(p);
}

static void a_node_that_is_not_there_gives_no_room(void **state)
{
    struct parts *p = parts_new();
    struct replica *r = three_nodes(p);
    say(p, OTHER, ROOM_LOW, 0);
    say(p, THIRD, ROOM_PLENTY, 90 * MB);
    assert_false(refuses(r, &small_put));
    r->status.peers[1].alive = false;
    assert_true(refuses(r, &small_put));
    r->status.peers[1].alive = true;
    r->status.peers[1].standing = PAXOS_JOINING;
    assert_true(refuses(r, &small_put));
    r->status.peers[0].alive = false; /* no quorum: that is said elsewhere */
    assert_false(refuses(r, &small_put));
    parts_free(p);
}

/* What waits counts, whatever its size, and the others may do the same. */
static void no_more_is_under_way_than_there_is_room_for(void **state)
{
    struct parts *p = parts_new();
    struct replica *r = three_nodes(p);
    say(p, OTHER, ROOM_PLENTY, 30 * MB);
    say(p, THIRD, ROOM_PLENTY, 60 * MB);
    assert_int_equal(rooms_majority(r).bytes, 60 * MB);
    assert_int_equal(replica_room(r), 20 * MB);
    r->writes.growth = 20 * MB;
    assert_true(refuses(r, &small_put));
    assert_false(refuses(r, &deletion));
    struct command command = {0};
    assert_int_equal(command_add(&command, &small_put), 0);
    r->writes.growth -= rooms_growth(&command);
    assert_true(rooms_growth(&command) > 2 * command.bytes.len);
    assert_false(rooms_refuse(r, &command));
    command_free(&command);
    r->writes.growth = 0;
    parts_free(p);
}

static void a_node_that_stays_away_takes_nothing(void **state)
{
    struct parts *p = parts_new();
    struct replica *r = three_nodes(p);
    char text[REPLICA_TEXT_MAX];
    replica_no_room(r, text);
    assert_string_equal(text, "");
    r->rooms.away = true;
    assert_true(refuses(r, &deletion));
    replica_no_room(r, text);
    assert_non_null(strstr(text, "takes no part"));
    parts_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_room_or_takes_none_does_not_grow),
        cmocka_unit_test(a_minority_without_room_stops_nobody),
        cmocka_unit_test(a_node_that_is_not_there_gives_no_room),
        cmocka_unit_test(no_more_is_under_way_than_there_is_room_for),
        cmocka_unit_test(a_node_that_stays_away_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
