/* Frames: encoded frames come back, and nothing else is believed. The room's file is included, not
 * linked, so that its allocations can be made to fail. */
#include "paxos/paxos.h"

#include <stdlib.h>

static int allocations_left = -1; /* -1: none fails */

static int allocation_fails(void)
{
    if (allocations_left < 0)
        return 0;
    return allocations_left-- == 0;
}

#define calloc(count, size) (allocation_fails() ? NULL : (calloc)(count, size))
#define paxos_entry_new(bytes, len) (allocation_fails() ? NULL : (paxos_entry_new)(bytes, len))
#include "peer/frame.c"
#undef calloc
#undef paxos_entry_new

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ROUNDS = 200, ENTRIES_MAX = 6, ENTRY_BYTES_MAX = 300, DATA_BYTES_MAX = 2000 };

static const struct frame_scope scope = {UINT64_C(0x0123456789abcdef), 7};
static uint64_t seed;

static uint64_t random_u64(void)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = seed;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint32_t random_below(uint32_t end)
{
    return (uint32_t)(random_u64() % end);
}

static struct paxos_ballot random_ballot(void)
{
    return (struct paxos_ballot){random_u64(), (uint32_t)random_u64(), (uint32_t)random_u64()};
}

static void random_entries(struct paxos_message *m)
{
    uint8_t bytes[ENTRY_BYTES_MAX];
    m->entry_count = random_below(ENTRIES_MAX + 1);
    if (m->entry_count == 0)
        return;
    m->entries = calloc(m->entry_count, sizeof *m->entries);
    for (uint32_t i = 0; i < m->entry_count; i++) {
        uint32_t len = random_below(ENTRY_BYTES_MAX + 1);
        for (uint32_t at = 0; at < len; at++)
            bytes[at] = (uint8_t)random_u64();
        m->entries[i] = paxos_entry_new(bytes, len);
    }
}

static void random_membership(struct paxos_message *m, uint8_t type)
{
    bool reply = type == PAXOS_JOIN_REPLY;
    if (reply || type == PAXOS_PROMISE || type == PAXOS_ACCEPT_SYNC ||
        type == PAXOS_HEARTBEAT_REPLY)
        m->standing = (uint8_t)random_below(PAXOS_STANDING_END);
    if (type == PAXOS_JOIN_REQUEST || type == PAXOS_ACCEPT_SYNC)
        m->life = (uint32_t)random_u64();
    for (int i = 0; i < PAXOS_NODES_MAX; i++) {
        m->lives[i] = reply || type == PAXOS_PROMISE ? (uint32_t)random_u64() : 0;
        m->folders[i] = reply ? random_u64() : 0;
    }
}

/* Fills exactly the fields that paxos/messages.h names for the type. */
static void random_message(struct paxos_message *m, uint8_t type)
{
    *m = (struct paxos_message){.type = type};
    bool has_n = true, has_entries = false;
    switch (type) {
    case PAXOS_PREPARE:
    case PAXOS_PROMISE:
        m->acc_round = random_ballot();
        m->decided = random_u64();
        m->accepted = random_u64();
        m->psid = random_u64();
        break;
    case PAXOS_SUFFIX:
        has_entries = true; /* fall through */
    case PAXOS_SUFFIX_REQ:
        m->psid = random_u64();
        m->first = random_u64();
        break;
    case PAXOS_ACCEPT_SYNC:
        m->psid = random_u64();
        m->accepted = random_u64(); /* fall through */
    case PAXOS_DECIDE:
    case PAXOS_LEADER_BEAT:
    case PAXOS_ACCEPT_DECIDE:
        m->session = random_u64();
        m->counter = random_u64();
        m->decided = random_u64();
        has_entries = type == PAXOS_ACCEPT_DECIDE;
        m->first = has_entries ? random_u64() : 0;
        break;
    case PAXOS_ACCEPTED:
        m->accepted = random_u64();
        m->decided = random_u64();
        break;
    case PAXOS_PROPOSAL_FORWARD:
        has_n = false;
        has_entries = true;
        break;
    case PAXOS_HEARTBEAT_REQUEST:
        has_n = false;
        m->round = random_u64();
        break;
    case PAXOS_HEARTBEAT_REPLY:
        m->round = random_u64();
        m->leader = random_ballot();
        m->happy = random_below(2);
        break;
    case PAXOS_READ_INDEX:
        m->decided = random_u64(); /* fall through */
    case PAXOS_READ_REQUEST:
    case PAXOS_READ_PROBE:
    case PAXOS_READ_ACK:
        m->read = random_u64();
        m->lease = (uint32_t)random_u64();
        break;
    case PAXOS_JOIN_REQUEST:
        has_n = false; /* fall through */
    case PAXOS_JOIN_REPLY:
        m->folder = random_u64();
        m->round = random_u64();
        break;
    default:
        break;
    }
    random_membership(m, type);
    if (type == PAXOS_PROMISE || type == PAXOS_ACCEPT_SYNC) {
        m->sync = (uint8_t)random_below(PAXOS_SYNC_SNAPSHOT + 1);
        m->first = m->sync == PAXOS_SYNC_NONE ? 0 : random_u64();
        m->lease = type == PAXOS_PROMISE ? (uint32_t)random_u64() : 0;
        has_entries = m->sync == PAXOS_SYNC_SUFFIX;
    }
    if (has_n)
        m->n = random_ballot();
    if (has_entries)
        random_entries(m);
}

static uint8_t data[DATA_BYTES_MAX];

static void random_frame(struct frame *frame, uint8_t type, uint8_t message_type)
{
    *frame =
        (struct frame){.type = type, .from = (uint32_t)random_u64(), .to = (uint32_t)random_u64()};
    switch (type) {
    case FRAME_PAXOS:
        random_message(&frame->paxos, message_type);
        frame->paxos.from = frame->from;
        frame->paxos.to = frame->to;
        break;
    case FRAME_SNAPSHOT_PIECE:
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)random_u64();
        frame->last = random_below(2);
        frame->data = bytes_of(data, random_below(sizeof data + 1)); /* fall through */
    case FRAME_SNAPSHOT_REQUEST:
        frame->index = random_u64();
        frame->piece = random_u64(); /* fall through */
    case FRAME_PING:
    case FRAME_PONG:
    case FRAME_CLOCK_REQUEST:
        frame->id = random_u64();
        break;
    case FRAME_SEALED:
        for (size_t i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)random_u64();
        frame->id = random_u64();
        frame->index = random_u64();
        frame->data = bytes_of(data, random_below(sizeof data - FRAME_CODE_BYTES));
        frame->code = bytes_of(data + sizeof data - FRAME_CODE_BYTES, FRAME_CODE_BYTES);
        break;
    case FRAME_CLOCK:
        frame->id = random_u64();
        frame->time = random_u64();
        break;
    case FRAME_DIGEST:
        frame->index = random_u64();
        frame->digest = random_u64();
        break;
    case FRAME_ROOM:
        frame->room = (uint8_t)random_below(ROOM_END);
        frame->room_bytes = random_u64();
        break;
    default:
        frame->reach_count = random_below(PAXOS_NODES_MAX + 1);
        for (uint32_t i = 0; i < frame->reach_count; i++)
            frame->reach[i] = (uint32_t)random_u64();
    }
}

static void assert_same_frame(const struct frame *a, const struct frame *b)
{
    struct frame x = *a, y = *b;
    assert_true(bytes_equal(a->data, b->data));
    assert_true(bytes_equal(a->code, b->code));
    assert_int_equal(a->paxos.entry_count, b->paxos.entry_count);
    for (uint32_t i = 0; i < a->paxos.entry_count; i++) {
        assert_int_equal(a->paxos.entries[i]->len, b->paxos.entries[i]->len);
        assert_memory_equal(a->paxos.entries[i]->bytes, b->paxos.entries[i]->bytes,
                            a->paxos.entries[i]->len);
    }
    x.data = y.data = x.code = y.code = (struct bytes){0};
    x.paxos.entries = y.paxos.entries = NULL;
    assert_memory_equal(&x, &y, sizeof x); /* both began as zeros, padding included */
}

/* A copy that ends where the bytes end, so that reading past them is noticed. */
static int decode_copy(const uint8_t *bytes, size_t len, struct frame *frame, void **copy)
{
    *copy = malloc(len ? len : 1);
    memcpy(*copy, bytes, len);
    return frame_decode(bytes_of(*copy, len), &scope, frame);
}

static void check_frame(uint8_t type, uint8_t message_type)
{
    struct frame frame, back, header;
    struct buffer b = {0};
    void *copy;
    random_frame(&frame, type, message_type);
    frame_encode(&frame, &scope, &b);
    assert_false(b.failed);
    assert_int_equal(decode_copy(b.data, b.len, &back, &copy), 0);
    assert_same_frame(&frame, &back);
    assert_int_equal(frame_decode_header(bytes_of(b.data, b.len), &scope, &header), 0);
    assert_int_equal(header.type, frame.type);
    assert_int_equal(header.from, frame.from);
    assert_int_equal(header.to, frame.to);
    frame_clear(&back);
    free(copy);
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(decode_copy(b.data, len, &back, &copy), -EBADMSG);
        free(copy);
    }
    buffer_put_u8(&b, 0);
    assert_int_equal(decode_copy(b.data, b.len, &back, &copy), -EBADMSG);
    free(copy);
    buffer_free(&b);
    frame_clear(&frame);
}

static void every_frame_comes_back_and_no_part_of_it_does(void **state)
{
    for (int round = 0; round < ROUNDS / 10; round++) {
        for (uint8_t type = FRAME_PAXOS + 1; type < FRAME_TYPE_END; type++)
            check_frame(type, 0);
        for (uint8_t type = 1; type < PAXOS_MESSAGE_TYPE_END; type++)
            check_frame(FRAME_PAXOS, type);
    }
}

static size_t encode(struct buffer *b, const struct frame *frame)
{
    b->len = 0;
    frame_encode(frame, &scope, b);
    assert_false(b->failed);
    return b->len;
}

static void assert_bad(struct buffer *b, size_t at, uint8_t value)
{
    struct frame frame;
    uint8_t before = b->data[at];
    b->data[at] = value;
    assert_int_equal(frame_decode(bytes_of(b->data, b->len), &scope, &frame), -EBADMSG);
    b->data[at] = before;
}

static void unknown_values_are_refused(void **state)
{
    struct buffer b = {0};
    encode(&b, &(struct frame){.type = FRAME_PING});
    assert_bad(&b, 0, FRAME_VERSION + 1);
    assert_bad(&b, 1, 0);
    assert_bad(&b, 1, FRAME_TYPE_END);

    struct frame beat = {.type = FRAME_PAXOS, .paxos.type = PAXOS_HEARTBEAT_REPLY};
    encode(&b, &beat);
    assert_bad(&b, FRAME_HEADER_BYTES, 0);
    assert_bad(&b, FRAME_HEADER_BYTES, PAXOS_MESSAGE_TYPE_END);
    assert_bad(&b, b.len - 2, 2); /* happy */
    assert_bad(&b, b.len - 1, PAXOS_STANDING_END);

    struct frame promise = {.type = FRAME_PAXOS, .paxos.type = PAXOS_PROMISE};
    encode(&b, &promise);
    assert_bad(&b, b.len - 1, PAXOS_SYNC_SNAPSHOT + 1);

    encode(&b, &(struct frame){.type = FRAME_REACH});
    assert_bad(&b, b.len - 1, PAXOS_NODES_MAX + 1);

    encode(&b, &(struct frame){.type = FRAME_ROOM});
    assert_bad(&b, FRAME_HEADER_BYTES, ROOM_END);

    struct frame forward = {.type = FRAME_PAXOS, .paxos.type = PAXOS_PROPOSAL_FORWARD};
    encode(&b, &forward);
    assert_bad(&b, b.len - 1, 0xff); /* four thousand million entries */
    buffer_free(&b);
}

static void another_cluster_or_configuration_is_stale(void **state)
{
    struct buffer b = {0};
    struct frame frame;
    encode(&b, &(struct frame){.type = FRAME_PING, .id = 1});
    struct frame_scope cluster = {scope.cluster + 1, scope.configuration};
    struct frame_scope configuration = {scope.cluster, scope.configuration + 1};
    struct bytes bytes = bytes_of(b.data, b.len);
    assert_int_equal(frame_decode(bytes, &cluster, &frame), -ESTALE);
    assert_int_equal(frame_decode(bytes, &configuration, &frame), -ESTALE);
    assert_int_equal(frame_decode_header(bytes, &cluster, &frame), -ESTALE);
    assert_int_equal(frame_decode(bytes, &scope, &frame), 0);
    buffer_free(&b);
}

static void too_long_a_frame_is_refused(void **state)
{
    size_t len = FRAME_BYTES_MAX;
    uint8_t *zeros = calloc(1, len);
    struct frame piece = {.type = FRAME_SNAPSHOT_PIECE, .data = bytes_of(zeros, len - 100)};
    struct frame back;
    struct buffer b = {0};
    encode(&b, &piece);
    assert_true(b.len <= FRAME_BYTES_MAX);
    assert_int_equal(frame_decode(bytes_of(b.data, b.len), &scope, &back), 0);
    piece.data.len = len;
    encode(&b, &piece);
    assert_int_equal(frame_decode(bytes_of(b.data, b.len), &scope, &back), -EBADMSG);
    assert_int_equal(frame_decode_header(bytes_of(b.data, b.len), &scope, &back), -EBADMSG);
    buffer_free(&b);
    free(zeros);
}

static void garbage_is_refused_or_read(void **state)
{
    struct buffer b = {0};
    struct frame frame, back;
    void *copy;
    for (int round = 0; round < ROUNDS * 50; round++) {
        random_frame(&frame, (uint8_t)(1 + random_below(FRAME_TYPE_END - 1)),
                     (uint8_t)(1 + random_below(PAXOS_MESSAGE_TYPE_END - 1)));
        encode(&b, &frame);
        frame_clear(&frame);
        for (uint32_t changes = 1 + random_below(4); changes > 0; changes--)
            b.data[random_below((uint32_t)b.len)] = (uint8_t)random_u64();
        int status = decode_copy(b.data, b.len, &back, &copy);
        assert_true(status == 0 || status == -EBADMSG || status == -ESTALE);
        if (status == 0) {
            size_t len = b.len;
            assert_int_equal(encode(&b, &back), len);
            assert_memory_equal(b.data, copy, len); /* one way to say a thing */
        }
        frame_clear(&back);
        free(copy);
    }
    buffer_free(&b);
}

static void out_of_memory_is_told_and_leaks_nothing(void **state)
{
    struct frame frame = {.type = FRAME_PAXOS}, back;
    struct buffer b = {0};
    do {
        frame_clear(&frame);
        random_frame(&frame, FRAME_PAXOS, PAXOS_ACCEPT_DECIDE);
    } while (frame.paxos.entry_count < 3);
    encode(&b, &frame);
    int failures = 0;
    for (;; failures++) {
        allocations_left = failures;
        int status = frame_decode(bytes_of(b.data, b.len), &scope, &back);
        allocations_left = -1;
        if (status == 0)
            break;
        assert_int_equal(status, -ENOMEM);
    }
    assert_int_equal(failures, 1 + frame.paxos.entry_count);
    frame_clear(&back);
    frame_clear(&frame);
    buffer_free(&b);
}

static void every_message_has_a_name(void **state)
{
    for (uint8_t type = 1; type < PAXOS_MESSAGE_TYPE_END; type++) {
        const char *name = paxos_message_type_name(type);
        assert_true(name && name[0]);
        for (uint8_t other = 1; other < type; other++)
            assert_string_not_equal(name, paxos_message_type_name(other));
    }
    assert_string_equal(paxos_message_type_name(PAXOS_PREPARE), "Prepare");
}

int main(void)
{
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_comes_back_and_no_part_of_it_does),
        cmocka_unit_test(unknown_values_are_refused),
        cmocka_unit_test(another_cluster_or_configuration_is_stale),
        cmocka_unit_test(too_long_a_frame_is_refused),
        cmocka_unit_test(garbage_is_refused_or_read),
        cmocka_unit_test(every_message_has_a_name),
        cmocka_unit_test(out_of_memory_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
