#include "peer/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* The fields of a paxos message, in the order in which they are written. */
enum {
    FIELD_N = 1 << 0,
    FIELD_ACC_ROUND = 1 << 1,
    FIELD_LEADER = 1 << 2,
    FIELD_DECIDED = 1 << 3,
    FIELD_ACCEPTED = 1 << 4,
    FIELD_PSID = 1 << 5,
    FIELD_ORDER = 1 << 6, /* session, counter */
    FIELD_ROUND = 1 << 7,
    FIELD_READ = 1 << 8,
    FIELD_HAPPY = 1 << 9,
    FIELD_SYNC = 1 << 10, /* sync, and what it brings: FIRST, ENTRIES */
    FIELD_FIRST = 1 << 11,
    FIELD_ENTRIES = 1 << 12,
    FIELD_STANDING = 1 << 13,
    FIELD_LIFE = 1 << 14,
    FIELD_FOLDER = 1 << 15,
    FIELD_LIVES = 1 << 16,
    FIELD_FOLDERS = 1 << 17,
    FIELD_LEASE = 1 << 18,
};

/* Which fields each type uses: paxos.h, enum paxos_message_type. */
static const uint32_t message_fields[PAXOS_MESSAGE_TYPE_END] = {
    [PAXOS_PREPARE_REQ] = FIELD_N,
    [PAXOS_PREPARE] = FIELD_N | FIELD_DECIDED | FIELD_ACC_ROUND | FIELD_ACCEPTED | FIELD_PSID,
    [PAXOS_PROMISE] = FIELD_N | FIELD_ACC_ROUND | FIELD_DECIDED | FIELD_ACCEPTED | FIELD_PSID |
                      FIELD_LEASE | FIELD_SYNC | FIELD_STANDING | FIELD_LIVES,
    [PAXOS_SUFFIX_REQ] = FIELD_N | FIELD_PSID | FIELD_FIRST,
    [PAXOS_SUFFIX] = FIELD_N | FIELD_PSID | FIELD_FIRST | FIELD_ENTRIES,
    [PAXOS_ACCEPT_SYNC] = FIELD_N | FIELD_PSID | FIELD_ORDER | FIELD_DECIDED | FIELD_ACCEPTED |
                          FIELD_SYNC | FIELD_STANDING | FIELD_LIFE,
    [PAXOS_ACCEPT_DECIDE] = FIELD_N | FIELD_ORDER | FIELD_DECIDED | FIELD_FIRST | FIELD_ENTRIES,
    [PAXOS_ACCEPTED] = FIELD_N | FIELD_ACCEPTED | FIELD_DECIDED,
    [PAXOS_DECIDE] = FIELD_N | FIELD_ORDER | FIELD_DECIDED,
    [PAXOS_NOT_ACCEPTED] = FIELD_N,
    [PAXOS_PROPOSAL_FORWARD] = FIELD_ENTRIES,
    [PAXOS_HEARTBEAT_REQUEST] = FIELD_ROUND,
    [PAXOS_HEARTBEAT_REPLY] = FIELD_ROUND | FIELD_N | FIELD_LEADER | FIELD_HAPPY | FIELD_STANDING,
    [PAXOS_LEADER_BEAT] = FIELD_N | FIELD_ORDER | FIELD_DECIDED,
    [PAXOS_READ_REQUEST] = FIELD_N | FIELD_READ | FIELD_LEASE,
    [PAXOS_READ_PROBE] = FIELD_N | FIELD_READ | FIELD_LEASE,
    [PAXOS_READ_ACK] = FIELD_N | FIELD_READ | FIELD_LEASE,
    [PAXOS_READ_INDEX] = FIELD_N | FIELD_READ | FIELD_DECIDED | FIELD_LEASE,
    [PAXOS_JOIN_REQUEST] = FIELD_ROUND | FIELD_LIFE | FIELD_FOLDER,
    [PAXOS_JOIN_REPLY] =
        FIELD_N | FIELD_ROUND | FIELD_STANDING | FIELD_FOLDER | FIELD_LIVES | FIELD_FOLDERS,
};

static unsigned sync_fields(uint8_t sync)
{
    switch (sync) {
    case PAXOS_SYNC_SUFFIX:
        return FIELD_FIRST | FIELD_ENTRIES;
    case PAXOS_SYNC_SNAPSHOT:
        return FIELD_FIRST;
    default:
        return 0;
    }
}

static void put_ballot(struct buffer *out, struct paxos_ballot b)
{
    buffer_put_u64(out, b.n);
    buffer_put_u32(out, b.priority);
    buffer_put_u32(out, b.pid);
}

static struct paxos_ballot read_ballot(struct reader *r)
{
    struct paxos_ballot b;
    b.n = reader_u64(r);
    b.priority = reader_u32(r);
    b.pid = reader_u32(r);
    return b;
}

/* Anything but 0 and 1 would not come back as the same bytes. */
static bool read_bool(struct reader *r)
{
    uint8_t value = reader_u8(r);
    if (value > 1)
        r->bad = true;
    return value == 1;
}

static void put_entries(struct buffer *out, const struct paxos_message *m)
{
    buffer_put_u32(out, m->entry_count);
    for (uint32_t i = 0; i < m->entry_count; i++)
        buffer_put_bytes(out, bytes_of(m->entries[i]->bytes, m->entries[i]->len));
}

static int read_entries(struct reader *r, struct paxos_message *m)
{
    uint32_t count = reader_u32(r);
    if (r->bad || count > reader_left(r) / sizeof(uint32_t))
        return -EBADMSG; /* each entry has at least its length: no memory for an invented count */
    if (count == 0)
        return 0;
    m->entries = calloc(count, sizeof *m->entries);
    if (!m->entries)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes bytes = reader_bytes(r);
        if (r->bad)
            return -EBADMSG;
        m->entries[i] = paxos_entry_new(bytes.data, (uint32_t)bytes.len);
        if (!m->entries[i])
            return -ENOMEM;
        m->entry_count = i + 1;
    }
    return 0;
}

/* Who is a member. */
static void put_membership(struct buffer *out, const struct paxos_message *m, unsigned fields)
{
    if (fields & FIELD_STANDING)
        buffer_put_u8(out, m->standing);
    if (fields & FIELD_LIFE)
        buffer_put_u32(out, m->life);
    if (fields & FIELD_FOLDER)
        buffer_put_u64(out, m->folder);
    for (int i = 0; fields & FIELD_LIVES && i < PAXOS_NODES_MAX; i++)
        buffer_put_u32(out, m->lives[i]);
    for (int i = 0; fields & FIELD_FOLDERS && i < PAXOS_NODES_MAX; i++)
        buffer_put_u64(out, m->folders[i]);
}

static void read_membership(struct reader *r, struct paxos_message *m, unsigned fields)
{
    if (fields & FIELD_STANDING)
        m->standing = reader_u8(r);
    if (fields & FIELD_LIFE)
        m->life = reader_u32(r);
    if (fields & FIELD_FOLDER)
        m->folder = reader_u64(r);
    for (int i = 0; fields & FIELD_LIVES && i < PAXOS_NODES_MAX; i++)
        m->lives[i] = reader_u32(r);
    for (int i = 0; fields & FIELD_FOLDERS && i < PAXOS_NODES_MAX; i++)
        m->folders[i] = reader_u64(r);
    if (m->standing >= PAXOS_STANDING_END)
        r->bad = true;
}

static void put_message(struct buffer *out, const struct paxos_message *m)
{
    assert(m->type > 0 && m->type < PAXOS_MESSAGE_TYPE_END);
    unsigned fields = message_fields[m->type];
    buffer_put_u8(out, m->type);
    if (fields & FIELD_N)
        put_ballot(out, m->n);
    if (fields & FIELD_ACC_ROUND)
        put_ballot(out, m->acc_round);
    if (fields & FIELD_LEADER)
        put_ballot(out, m->leader);
    if (fields & FIELD_DECIDED)
        buffer_put_u64(out, m->decided);
    if (fields & FIELD_ACCEPTED)
        buffer_put_u64(out, m->accepted);
    if (fields & FIELD_PSID)
        buffer_put_u64(out, m->psid);
    if (fields & FIELD_ORDER) {
        buffer_put_u64(out, m->session);
        buffer_put_u64(out, m->counter);
    }
    if (fields & FIELD_ROUND)
        buffer_put_u64(out, m->round);
    if (fields & FIELD_READ)
        buffer_put_u64(out, m->read);
    if (fields & FIELD_LEASE)
        buffer_put_u32(out, m->lease);
    if (fields & FIELD_HAPPY)
        buffer_put_u8(out, m->happy);
    put_membership(out, m, fields);
    if (fields & FIELD_SYNC) {
        assert(m->sync <= PAXOS_SYNC_SNAPSHOT);
        buffer_put_u8(out, m->sync);
        fields |= sync_fields(m->sync);
    }
    if (fields & FIELD_FIRST)
        buffer_put_u64(out, m->first);
    if (fields & FIELD_ENTRIES)
        put_entries(out, m);
}

/* The mirror image of put_message. */
static int read_message(struct reader *r, struct paxos_message *m)
{
    m->type = reader_u8(r);
    if (m->type == 0 || m->type >= PAXOS_MESSAGE_TYPE_END)
        return -EBADMSG;
    unsigned fields = message_fields[m->type];
    if (fields & FIELD_N)
        m->n = read_ballot(r);
    if (fields & FIELD_ACC_ROUND)
        m->acc_round = read_ballot(r);
    if (fields & FIELD_LEADER)
        m->leader = read_ballot(r);
    if (fields & FIELD_DECIDED)
        m->decided = reader_u64(r);
    if (fields & FIELD_ACCEPTED)
        m->accepted = reader_u64(r);
    if (fields & FIELD_PSID)
        m->psid = reader_u64(r);
    if (fields & FIELD_ORDER) {
        m->session = reader_u64(r);
        m->counter = reader_u64(r);
    }
    if (fields & FIELD_ROUND)
        m->round = reader_u64(r);
    if (fields & FIELD_READ)
        m->read = reader_u64(r);
    if (fields & FIELD_LEASE)
        m->lease = reader_u32(r);
    if (fields & FIELD_HAPPY)
        m->happy = read_bool(r);
    read_membership(r, m, fields);
    if (fields & FIELD_SYNC) {
        m->sync = reader_u8(r);
        if (m->sync > PAXOS_SYNC_SNAPSHOT)
            return -EBADMSG;
        fields |= sync_fields(m->sync);
    }
    if (fields & FIELD_FIRST)
        m->first = reader_u64(r);
    return fields & FIELD_ENTRIES ? read_entries(r, m) : 0;
}

static void put_reach(struct buffer *out, const struct frame *frame)
{
    assert(frame->reach_count <= PAXOS_NODES_MAX);
    buffer_put_u8(out, (uint8_t)frame->reach_count);
    for (uint32_t i = 0; i < frame->reach_count; i++)
        buffer_put_u32(out, frame->reach[i]);
}

static int read_reach(struct reader *r, struct frame *frame)
{
    frame->reach_count = reader_u8(r);
    if (frame->reach_count > PAXOS_NODES_MAX)
        return -EBADMSG;
    for (uint32_t i = 0; i < frame->reach_count; i++)
        frame->reach[i] = reader_u32(r);
    return 0;
}

static void put_snapshot(struct buffer *out, const struct frame *frame)
{
    buffer_put_u64(out, frame->id);
    buffer_put_u64(out, frame->index);
    buffer_put_u64(out, frame->piece);
    if (frame->type == FRAME_SNAPSHOT_PIECE) {
        buffer_put_u8(out, frame->last);
        buffer_put_bytes(out, frame->data);
    }
}

static int read_snapshot(struct reader *r, struct frame *frame)
{
    frame->id = reader_u64(r);
    frame->index = reader_u64(r);
    frame->piece = reader_u64(r);
    if (frame->type == FRAME_SNAPSHOT_PIECE) {
        frame->last = read_bool(r);
        frame->data = reader_bytes(r);
    }
    return 0;
}

void frame_encode(const struct frame *frame, const struct frame_scope *scope, struct buffer *out)
{
    buffer_put_u8(out, FRAME_VERSION);
    buffer_put_u8(out, frame->type);
    buffer_put_u64(out, scope->cluster);
    buffer_put_u64(out, scope->configuration);
    buffer_put_u32(out, frame->from);
    buffer_put_u32(out, frame->to);
    switch (frame->type) {
    case FRAME_PAXOS:
        put_message(out, &frame->paxos);
        break;
    case FRAME_SNAPSHOT_REQUEST:
    case FRAME_SNAPSHOT_PIECE:
        put_snapshot(out, frame);
        break;
    case FRAME_PING:
    case FRAME_PONG:
        buffer_put_u64(out, frame->id);
        break;
    case FRAME_REACH:
        put_reach(out, frame);
        break;
    case FRAME_DIGEST:
        buffer_put_u64(out, frame->index);
        buffer_put_u64(out, frame->digest);
        break;
    default:
        assert(!"a frame of an unknown type");
    }
}

static int read_header(struct reader *r, const struct frame_scope *scope, struct frame *frame)
{
    uint8_t version = reader_u8(r);
    frame->type = reader_u8(r);
    uint64_t cluster = reader_u64(r);
    uint64_t configuration = reader_u64(r);
    frame->from = reader_u32(r);
    frame->to = reader_u32(r);
    if (r->bad || version != FRAME_VERSION)
        return -EBADMSG;
    if (cluster != scope->cluster || configuration != scope->configuration)
        return -ESTALE;
    return frame->type == 0 || frame->type >= FRAME_TYPE_END ? -EBADMSG : 0;
}

static int read_body(struct reader *r, struct frame *frame)
{
    switch (frame->type) {
    case FRAME_PAXOS:
        frame->paxos.from = frame->from;
        frame->paxos.to = frame->to;
        return read_message(r, &frame->paxos);
    case FRAME_SNAPSHOT_REQUEST:
    case FRAME_SNAPSHOT_PIECE:
        return read_snapshot(r, frame);
    case FRAME_REACH:
        return read_reach(r, frame);
    case FRAME_DIGEST:
        frame->index = reader_u64(r);
        frame->digest = reader_u64(r);
        return 0;
    default:
        frame->id = reader_u64(r);
        return 0;
    }
}

int frame_decode_header(struct bytes bytes, const struct frame_scope *scope, struct frame *frame)
{
    *frame = (struct frame){0};
    if (bytes.len > FRAME_BYTES_MAX)
        return -EBADMSG;
    struct reader r = reader_of(bytes);
    return read_header(&r, scope, frame);
}

int frame_decode(struct bytes bytes, const struct frame_scope *scope, struct frame *frame)
{
    *frame = (struct frame){0};
    if (bytes.len > FRAME_BYTES_MAX)
        return -EBADMSG;
    struct reader r = reader_of(bytes);
    int status = read_header(&r, scope, frame);
    if (status == 0)
        status = read_body(&r, frame);
    if (status == 0 && (r.bad || reader_left(&r) > 0))
        status = -EBADMSG;
    if (status < 0)
        frame_clear(frame);
    return status;
}

void frame_clear(struct frame *frame)
{
    paxos_message_clear(&frame->paxos);
    *frame = (struct frame){0};
}
