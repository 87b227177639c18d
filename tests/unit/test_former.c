/* Bytes of the former format: commands and frames of a node of level 1 read as they did, and are
 * written again byte for byte.
 *
 * The rows of tests/former were encoded by the last commit that knew no other level. Every field
 * of every sample has a value of its own, so a field that changed its place, its width or its
 * struct member cannot pass. `test_former --print commands` (or `frames`) writes such rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/command.h"
#include "peer/frame.h"

enum { OP_TYPES = 19, MESSAGE_TYPES = 20, FIELDS = 16, ROWS_MAX = 64, NAME_MAX = 64 };

struct row {
    const char *name;
    const char *hex;
};

static const struct row commands[] = {
#include "../former/commands.txt"
};
static const struct row frames[] = {
#include "../former/frames.txt"
};

static const struct stamp stamp = {0x01020304, UINT64_C(0x1112131415161718),
                                   UINT64_C(0x2122232425262728), UINT64_C(0x0132333435363738),
                                   UINT64_C(0x4142434445464748)};
static const struct frame_scope scope = {UINT64_C(0x5152535455565758),
                                         UINT64_C(0x6162636465666768)};

/* ---- Samples ---- */

struct sample {
    char name[NAME_MAX];
    struct buffer bytes;
};

struct samples {
    struct sample list[ROWS_MAX];
    size_t count;
};

static struct sample *new_sample(struct samples *s)
{
    assert_true(s->count < ROWS_MAX);
    return &s->list[s->count++];
}

static void free_samples(struct samples *s)
{
    for (size_t i = 0; i < s->count; i++)
        buffer_free(&s->list[i].bytes);
}

static struct op every_field(uint8_t type)
{
    return (struct op){.type = type,
                       .flags = 0x81828384,
                       .ino = UINT64_C(0x9192939495969798),
                       .ino2 = UINT64_C(0xa1a2a3a4a5a6a7a8),
                       .hold = UINT64_C(0xb1b2b3b4b5b6b7b8),
                       .offset = UINT64_C(0xc1c2c3c4c5c6c7c8),
                       .size = UINT64_C(0xd1d2d3d4d5d6d7d8),
                       .revision = UINT64_C(0xe1e2e3e4e5e6e7e8),
                       .mtime = (int64_t)UINT64_C(0xf1f2f3f4f5f6f7f8),
                       .atime = INT64_C(0x7172737475767778),
                       .mode = 0x0a0b0c0d,
                       .uid = 0x1a1b1c1d,
                       .gid = 0x2a2b2c2d,
                       .rdev = 0x3a3b3c3d,
                       .name = bytes_of_text("a name"),
                       .name2 = bytes_of_text("another name"),
                       .data = bytes_of_text("data")};
}

/* The field alone, in the order of struct op. */
static struct op one_field(int field)
{
    struct op all = every_field(OP_WRITE), op = {.type = OP_WRITE};
    switch (field) {
    case 0:
        op.flags = all.flags;
        break;
    case 1:
        op.ino = all.ino;
        break;
    case 2:
        op.ino2 = all.ino2;
        break;
    case 3:
        op.hold = all.hold;
        break;
    case 4:
        op.offset = all.offset;
        break;
    case 5:
        op.size = all.size;
        break;
    case 6:
        op.revision = all.revision;
        break;
    case 7:
        op.atime = all.atime;
        break;
    case 8:
        op.mtime = all.mtime;
        break;
    case 9:
        op.mode = all.mode;
        break;
    case 10:
        op.uid = all.uid;
        break;
    case 11:
        op.gid = all.gid;
        break;
    case 12:
        op.rdev = all.rdev;
        break;
    case 13:
        op.name = all.name;
        break;
    case 14:
        op.name2 = all.name2;
        break;
    default:
        op.data = all.data;
    }
    return op;
}

static void command_sample(struct sample *sample, const struct op *ops, size_t count)
{
    struct command c = {0};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(command_add(&c, &ops[i]), 0);
    command_stamp(&c, &stamp);
    sample->bytes = c.bytes;
}

static void command_samples(struct samples *s)
{
    for (uint8_t type = 1; type <= OP_TYPES; type++) {
        struct op op = every_field(type);
        struct sample *sample = new_sample(s);
        snprintf(sample->name, NAME_MAX, "operation %d, every field", type);
        command_sample(sample, &op, 1);
    }
    for (int field = 0; field < FIELDS; field++) {
        struct op op = one_field(field);
        struct sample *sample = new_sample(s);
        snprintf(sample->name, NAME_MAX, "field %d alone", field);
        command_sample(sample, &op, 1);
    }
    const struct op list[] = {every_field(OP_PUT), one_field(1), {.type = OP_DELETE}};
    struct sample *sample = new_sample(s);
    snprintf(sample->name, NAME_MAX, "a list");
    command_sample(sample, list, sizeof list / sizeof *list);
}

static void every_message_field(struct paxos_message *m)
{
    m->happy = true;
    m->standing = PAXOS_JOINING;
    m->life = 0x81828384;
    m->n = (struct paxos_ballot){0x11, 0x12, 0x13};
    m->acc_round = (struct paxos_ballot){0x21, 0x22, 0x23};
    m->leader = (struct paxos_ballot){0x31, 0x32, 0x33};
    m->decided = UINT64_C(0x9192939495969798);
    m->accepted = UINT64_C(0xa1a2a3a4a5a6a7a8);
    m->psid = UINT64_C(0xb1b2b3b4b5b6b7b8);
    m->session = UINT64_C(0xc1c2c3c4c5c6c7c8);
    m->counter = UINT64_C(0xd1d2d3d4d5d6d7d8);
    m->first = UINT64_C(0xe1e2e3e4e5e6e7e8);
    m->round = UINT64_C(0xf1f2f3f4f5f6f7f8);
    m->read = UINT64_C(0x7172737475767778);
    m->lease = 0x3a3b3c3d;
    m->folder = UINT64_C(0x0a0b0c0d0e0f1011);
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        m->lives[i] = 0x4a000000 + i;
        m->folders[i] = UINT64_C(0x5a00000000000000) + i;
    }
}

static void message_sample(struct samples *s, uint8_t type, uint8_t sync)
{
    struct paxos_entry *entries[] = {paxos_entry_new("one", 3), paxos_entry_new("", 0)};
    struct frame frame = {.type = FRAME_PAXOS, .from = 0x1a1b1c1d, .to = 0x2a2b2c2d};
    every_message_field(&frame.paxos);
    frame.paxos.type = type;
    frame.paxos.sync = sync;
    frame.paxos.entries = entries;
    frame.paxos.entry_count = sizeof entries / sizeof *entries;
    struct sample *sample = new_sample(s);
    snprintf(sample->name, NAME_MAX, "message %d, sync %d", type, sync);
    frame_encode(&frame, &scope, &sample->bytes);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        paxos_entry_unref(entries[i]);
}

static void frame_samples(struct samples *s)
{
    for (uint8_t type = 1; type <= MESSAGE_TYPES; type++) {
        bool syncs = type == PAXOS_PROMISE || type == PAXOS_ACCEPT_SYNC;
        for (uint8_t sync = 0; sync <= (syncs ? PAXOS_SYNC_SNAPSHOT : 0); sync++)
            message_sample(s, type, sync);
    }
    for (uint8_t type = FRAME_PAXOS + 1; type < FRAME_ROOM; type++) {
        struct frame frame = {.type = type,
                              .last = true,
                              .from = 0x1a1b1c1d,
                              .to = 0x2a2b2c2d,
                              .id = UINT64_C(0x8182838485868788),
                              .index = UINT64_C(0x9192939495969798),
                              .digest = UINT64_C(0xa1a2a3a4a5a6a7a8),
                              .piece = UINT64_C(0xb1b2b3b4b5b6b7b8),
                              .reach_count = 2,
                              .reach = {0x3a3b3c3d, 0x4a4b4c4d},
                              .data = bytes_of_text("piece")};
        struct sample *sample = new_sample(s);
        snprintf(sample->name, NAME_MAX, "frame %d", type);
        frame_encode(&frame, &scope, &sample->bytes);
    }
}

/* ---- Tests ---- */

static struct buffer bytes_of_hex(const char *hex)
{
    struct buffer b = {0};
    for (; hex[0]; hex += 2)
        buffer_put_u8(&b, (uint8_t)strtoul((char[]){hex[0], hex[1], 0}, NULL, 16));
    return b;
}

static void assert_bytes(const char *name, const struct buffer *is, const struct buffer *was)
{
    if (is->len != was->len || memcmp(is->data, was->data, is->len) != 0)
        fail_msg("%s: the bytes have changed", name);
}

static void assert_rows(const struct samples *s, const struct row *rows, size_t count)
{
    assert_int_equal(s->count, count);
    for (size_t i = 0; i < count; i++) {
        struct buffer was = bytes_of_hex(rows[i].hex);
        assert_string_equal(s->list[i].name, rows[i].name);
        assert_bytes(rows[i].name, &s->list[i].bytes, &was);
        buffer_free(&was);
    }
}

static void samples_are_encoded_as_before(void **state)
{
    struct samples s = {0};
    command_samples(&s);
    assert_rows(&s, commands, sizeof commands / sizeof *commands);
    free_samples(&s);
    s = (struct samples){0};
    frame_samples(&s);
    assert_rows(&s, frames, sizeof frames / sizeof *frames);
    free_samples(&s);
}

static void former_commands_are_read_and_written_again(void **state)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct buffer was = bytes_of_hex(commands[i].hex);
        struct command_view view;
        struct command again = {0};
        assert_int_equal(command_read(bytes_of(was.data, was.len), &view), 0);
        for (uint32_t n = 0; n < view.count; n++) {
            struct op op;
            assert_int_equal(command_next(&view, &op), 0);
            assert_int_equal(command_add(&again, &op), 0);
        }
        assert_int_equal(reader_left(&view.ops), 0);
        command_stamp(&again, &view.stamp);
        assert_bytes(commands[i].name, &again.bytes, &was);
        command_free(&again);
        buffer_free(&was);
    }
}

static void former_frames_are_read_and_written_again(void **state)
{
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        struct buffer was = bytes_of_hex(frames[i].hex), again = {0};
        struct frame frame;
        assert_int_equal(frame_decode(bytes_of(was.data, was.len), &scope, &frame), 0);
        frame_encode(&frame, &scope, &again);
        assert_bytes(frames[i].name, &again, &was);
        frame_clear(&frame);
        buffer_free(&again);
        buffer_free(&was);
    }
}

/* ---- Making the rows ---- */

static int print(const char *which)
{
    struct samples s = {0};
    if (strcmp(which, "commands") == 0)
        command_samples(&s);
    else
        frame_samples(&s);
    for (size_t i = 0; i < s.count; i++) {
        printf("{\"%s\", \"", s.list[i].name);
        for (size_t at = 0; at < s.list[i].bytes.len; at++)
            printf("%02x", s.list[i].bytes.data[at]);
        printf("\"},\n");
    }
    free_samples(&s);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--print") == 0)
        return print(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_encoded_as_before),
        cmocka_unit_test(former_commands_are_read_and_written_again),
        cmocka_unit_test(former_frames_are_read_and_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
