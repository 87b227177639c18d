#include "command/command.h"
#include "command/key.h"
#include "op_fields.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void assert_op_equal(const struct op *a, const struct op *b)
{
    assert_int_equal(a->type, b->type);
#define FIELD_EQUAL(name, kind, bit, level) assert_true(kind##_equal(a->name, b->name));
    OPERATION_FIELDS(FIELD_EQUAL)
#undef FIELD_EQUAL
}

static uint64_t sometimes(uint64_t value)
{
    return rand() % 2 ? value : 0;
}

static struct bytes some_bytes(uint8_t *room, size_t max)
{
    size_t len = (size_t)rand() % max;
    for (size_t i = 0; i < len; i++)
        room[i] = (uint8_t)rand();
    return bytes_of(room, len);
}

#define OPERATION_TYPE(name, number, function, level) OP_##name,
static const uint8_t op_types[] = {OPERATIONS(OPERATION_TYPE)};
#undef OPERATION_TYPE

static struct op random_op(uint8_t room[3][64])
{
    return (struct op){
        .type = op_types[(size_t)rand() % sizeof op_types],
        .flags = (uint32_t)sometimes((uint64_t)rand()),
        .ino = sometimes(UINT64_MAX),
        .ino2 = sometimes((uint64_t)rand()),
        .hold = sometimes((uint64_t)rand()),
        .offset = sometimes(FILE_BYTES_MAX),
        .size = sometimes((uint64_t)rand()),
        .revision = sometimes((uint64_t)rand()),
        .atime = (int64_t)sometimes((uint64_t)-rand()),
        .mtime = (int64_t)sometimes((uint64_t)rand() << 30),
        .mode = (uint32_t)sometimes(0100644),
        .uid = (uint32_t)sometimes(UINT32_MAX),
        .gid = (uint32_t)sometimes(1000),
        .rdev = (uint32_t)sometimes(7),
        .name = some_bytes(room[0], 64),
        .name2 = some_bytes(room[1], 64),
        .data = some_bytes(room[2], 64),
        .ttl = sometimes(TTL_NONE),
        .lease = sometimes((uint64_t)rand()),
    };
}

enum { LIST = 50 };

/* `level` 2: in version 2 from the beginning. */
static void check_list(uint32_t level)
{
    uint8_t room[LIST][3][64];
    struct op ops[LIST];
    struct command c = {.level = level};
    for (int i = 0; i < LIST; i++) {
        ops[i] = random_op(room[i]);
        assert_int_equal(command_add(&c, &ops[i]), 0);
    }
    struct stamp stamp = {3, UINT64_MAX, 17, 12, UINT64_C(1700000000123456789)};
    command_stamp(&c, &stamp);

    struct command_view view;
    assert_int_equal(command_read(bytes_of(c.bytes.data, c.bytes.len), &view), 0);
    assert_int_equal(view.version, c.level == 1 ? 1 : 2);
    assert_int_equal(view.count, LIST);
    assert_int_equal(view.stamp.node, 3);
    assert_true(view.stamp.incarnation == UINT64_MAX && view.stamp.sequence == 17);
    assert_true(view.stamp.lowest == 12 && view.stamp.time == stamp.time);
    for (int i = 0; i < LIST; i++) {
        struct op op;
        assert_int_equal(command_next(&view, &op), 0);
        assert_op_equal(&op, &ops[i]);
    }
    assert_int_equal(reader_left(&view.ops), 0);
    command_free(&c);
}

static void a_list_is_read_back_as_it_was_written(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    check_list(0);
    check_list(2);
}

/* Without its fields, in the given version. */
static int read_first(uint8_t version, uint8_t type, uint32_t mask)
{
    struct buffer b = {0};
    struct command_view view;
    struct op op;
    buffer_put_u8(&b, version);
    for (int i = 0; i < 4 + 8 + 8 + 8 + 8; i++)
        buffer_put_u8(&b, 0);
    buffer_put_u32(&b, 1);
    buffer_put_u8(&b, type);
    if (version == 1)
        buffer_put_u16(&b, (uint16_t)mask);
    else
        buffer_put_u32(&b, mask);
    int status = command_read(bytes_of(b.data, b.len), &view);
    if (status == 0)
        status = command_next(&view, &op);
    buffer_free(&b);
    return status;
}

static void a_later_version_is_told_from_malformed_bytes(void **state)
{
    const uint32_t unknown = UINT32_C(1) << 31;
    assert_int_equal(read_first(1, OP_PUT, 0), 0);
    assert_int_equal(read_first(2, OP_PUT, 0), 0);
    /* A later version. */
    assert_int_equal(read_first(COMMAND_VERSION_MAX + 1, OP_PUT, 0), -EPROTONOSUPPORT);
    assert_int_equal(read_first(255, OP_PUT, 0), -EPROTONOSUPPORT);
    assert_int_equal(read_first(2, OP_TYPE_END, 0), -EPROTONOSUPPORT);
    assert_int_equal(read_first(2, OP_TTL - 1, 0), -EPROTONOSUPPORT); /* a number that none has */
    assert_int_equal(read_first(2, 255, 0), -EPROTONOSUPPORT);
    assert_int_equal(read_first(2, OP_PUT, unknown), -EPROTONOSUPPORT);
    /* Malformed, in every version; and nodes of level 1 know no other version. */
    assert_int_equal(read_first(0, OP_PUT, 0), -EBADMSG);
    assert_int_equal(read_first(1, 0, 0), -EBADMSG);
    assert_int_equal(read_first(2, 0, unknown), -EBADMSG);
    assert_int_equal(read_first(1, OP_RELEASE + 1, 0), -EBADMSG);
    assert_int_equal(read_first(1, 255, 0), -EBADMSG);
}

static void commands_of_level_1_are_of_version_1(void **state)
{
    uint8_t room[3][64];
    for (uint8_t type = 1; type <= OP_RELEASE; type++) {
        struct command c = {0};
        struct op op = random_op(room);
        op.type = type;
        op.ttl = op.lease = 0;
        assert_int_equal(c.level, 0);
        assert_int_equal(command_add(&c, &op), 0);
        assert_int_equal(c.level, 1);
        command_stamp(&c, &(struct stamp){.node = 1});
        assert_int_equal(c.bytes.data[0], 1);
        command_free(&c);
        assert_int_equal(c.level, 0);
    }
}

/* The operation that needs it may come last. */
static void an_operation_of_level_2_makes_the_whole_command_wider(void **state)
{
    struct op ops[] = {{.type = OP_PUT, .name = bytes_of_text("k"), .data = bytes_of_text("v")},
                       {.type = OP_WRITE, .ino = 7, .atime = 9, .data = bytes_of_text("w")},
                       {.type = OP_ELSE}};
    struct command c = {0};
    struct command_view view;
    assert_int_equal(command_add(&c, &ops[0]), 0);
    assert_int_equal(command_add(&c, &ops[1]), 0);
    assert_int_equal(c.level, 1);
    assert_int_equal(command_add(&c, &ops[2]), 0);
    assert_int_equal(c.level, 2);
    assert_int_equal(command_add(&c, &ops[0]), 0);
    assert_int_equal(c.level, 2);
    assert_int_equal(c.count, 4);
    command_stamp(&c, &(struct stamp){.node = 1});
    assert_int_equal(c.bytes.data[0], 2);
    assert_int_equal(command_read(bytes_of(c.bytes.data, c.bytes.len), &view), 0);
    for (int i = 0; i < 4; i++) {
        struct op op;
        assert_int_equal(command_next(&view, &op), 0);
        assert_op_equal(&op, &ops[i % 3]);
    }
    assert_int_equal(reader_left(&view.ops), 0);
    command_free(&c);
}

static void a_field_of_level_3_raises_the_level(void **state)
{
    struct command c = {0};
    struct op op = {.type = OP_WRITE, .flags = OP_KILL_PRIV, .ino = 7, .outsider = 1};
    assert_int_equal(command_add(&c, &op), 0);
    assert_int_equal(c.level, 3);
    command_free(&c);
    op.outsider = 0;
    assert_int_equal(command_add(&c, &op), 0);
    assert_int_equal(c.level, 1);
    command_free(&c);
}

/* Wider, the former operations no longer fit: nothing has changed. */
static void a_command_that_does_not_fit_wider_stays_as_it_was(void **state)
{
    struct command c = {0};
    uint8_t *value = calloc(1, COMMAND_BYTES_MAX);
    assert_non_null(value);
    struct op small = {.type = OP_DELETE}, large = {.type = OP_WRITE};
    assert_int_equal(command_add(&c, &small), 0);
    large.data = bytes_of(value, COMMAND_BYTES_MAX - c.bytes.len - 7);
    assert_int_equal(command_add(&c, &large), 0);
    assert_int_equal(c.bytes.len, COMMAND_BYTES_MAX);
    assert_int_equal(command_add(&c, &(struct op){.type = OP_ELSE}), -EFBIG);
    assert_int_equal(c.level, 1);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.bytes.len, COMMAND_BYTES_MAX);
    command_free(&c);
    free(value);
}

static void a_command_cut_short_anywhere_is_refused(void **state)
{
    struct command c = {0};
    struct op op = {.type = OP_PUT, .name = bytes_of_text("key"), .data = bytes_of_text("value")};
    assert_int_equal(command_add(&c, &op), 0);
    command_stamp(&c, &(struct stamp){.node = 1, .sequence = 1});
    for (size_t len = 0; len < c.bytes.len; len++) {
        struct command_view view;
        struct op read;
        int status = command_read(bytes_of(c.bytes.data, len), &view);
        if (status == 0)
            status = command_next(&view, &read);
        assert_int_equal(status, -EBADMSG);
    }
    command_free(&c);
}

static void limits_are_refused_and_leave_the_command_usable(void **state)
{
    struct command c = {0};
    uint8_t *value = calloc(1, COMMAND_BYTES_MAX);
    assert_non_null(value);
    struct op large = {.type = OP_PUT, .data = bytes_of(value, COMMAND_BYTES_MAX)};
    struct op small = {.type = OP_DELETE, .name = bytes_of_text("k")};
    assert_int_equal(command_add(&c, &small), 0);
    assert_int_equal(command_add(&c, &large), -EFBIG);
    large.data.len = VALUE_BYTES_MAX + 1;
    assert_int_equal(command_add(&c, &large), -EFBIG);
    large.type = OP_WRITE;
    assert_int_equal(command_add(&c, &large), 0);
    c.count = 0;
    assert_int_equal(command_add(&c, &small), 0);
    for (int i = 1; i < COMMAND_OPS_MAX; i++)
        assert_int_equal(command_add(&c, &small), 0);
    assert_int_equal(command_add(&c, &small), -E2BIG);
    assert_int_equal(c.count, COMMAND_OPS_MAX);
    free(value);
    command_free(&c);
}

static void keys_are_checked(void **state)
{
    char long_name[NAME_BYTES_MAX + 2];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    const struct {
        struct bytes key;
        int status;
    } rows[] = {
        {bytes_of_text("eat"), 0},
        {bytes_of_text("etc/app/port"), 0},
        {bytes_of_text("\x01\xff *"), 0},
        {bytes_of_text("..."), 0},
        {bytes_of_text("a/.quorumfs"), 0},
        {bytes_of_text(".quorumfs2"), 0},
        {bytes_of_text(long_name + 1), 0},
        {bytes_of_text(""), -EINVAL},
        {bytes_of_text("/a"), -EINVAL},
        {bytes_of_text("a/"), -EINVAL},
        {bytes_of_text("a//b"), -EINVAL},
        {bytes_of_text("."), -EINVAL},
        {bytes_of_text("a/../b"), -EINVAL},
        {bytes_of("a\0b", 3), -EINVAL},
        {bytes_of_text(".quorumfs"), -EPERM},
        {bytes_of_text(".quorumfs/why"), -EPERM},
        {bytes_of_text(long_name), -ENAMETOOLONG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = "";
        assert_int_equal(key_check(rows[i].key, &why), rows[i].status);
        assert_true(rows[i].status == 0 || strlen(why) > 0);
    }
}

static void a_path_may_be_as_long_as_the_limit(void **state)
{
    char path[PATH_BYTES_MAX + 2];
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = i % 200 == 199 ? '/' : 'p';
    const char *why;
    assert_int_equal(key_check(bytes_of(path, PATH_BYTES_MAX), &why), 0);
    assert_int_equal(key_check(bytes_of(path, PATH_BYTES_MAX + 1), &why), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_back_as_it_was_written),
        cmocka_unit_test(a_later_version_is_told_from_malformed_bytes),
        cmocka_unit_test(commands_of_level_1_are_of_version_1),
        cmocka_unit_test(an_operation_of_level_2_makes_the_whole_command_wider),
        cmocka_unit_test(a_field_of_level_3_raises_the_level),
        cmocka_unit_test(a_command_that_does_not_fit_wider_stays_as_it_was),
        cmocka_unit_test(a_command_cut_short_anywhere_is_refused),
        cmocka_unit_test(limits_are_refused_and_leave_the_command_usable),
        cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(a_path_may_be_as_long_as_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
