#include "peer/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* ---- Which fields a message has ---- */

#define FIELD_NUMBER(NAME, type, member) NUMBER_##NAME,
enum { PAXOS_FIELDS(FIELD_NUMBER) NUMBER_ENTRIES };
#undef FIELD_NUMBER

#define FIELD_BIT(NAME, type, member) FIELD_##NAME = 1 << NUMBER_##NAME,
enum { PAXOS_FIELDS(FIELD_BIT) FIELD_ENTRIES = 1 << NUMBER_ENTRIES };
#undef FIELD_BIT

static unsigned fields_of_type(uint8_t type)
{
#define MESSAGE_FIELDS(NAME, number, name, fields) [number] = fields,
    static const uint32_t table[PAXOS_MESSAGE_TYPE_END] = {PAXOS_MESSAGES(MESSAGE_FIELDS)};
#undef MESSAGE_FIELDS
    return table[type];
}

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

/* Of a message whose fields before SYNC, and SYNC itself, are known. */
static unsigned fields_of(const struct paxos_message *m)
{
    unsigned fields = fields_of_type(m->type);
    return fields & FIELD_SYNC ? fields | sync_fields(m->sync) : fields;
}

/* ---- The types of fields: each is put and read where it lies in the message ---- */

static void put_u32(struct buffer *out, const uint32_t *value)
{
    buffer_put_u32(out, *value);
}

static void read_u32(struct reader *r, uint32_t *value)
{
    *value = reader_u32(r);
}

static void put_u64(struct buffer *out, const uint64_t *value)
{
    buffer_put_u64(out, *value);
}

static void read_u64(struct reader *r, uint64_t *value)
{
    *value = reader_u64(r);
}

static void put_ballot(struct buffer *out, const struct paxos_ballot *b)
{
    buffer_put_u64(out, b->n);
    buffer_put_u32(out, b->priority);
    buffer_put_u32(out, b->pid);
}

static void read_ballot(struct reader *r, struct paxos_ballot *b)
{
    b->n = reader_u64(r);
    b->priority = reader_u32(r);
    b->pid = reader_u32(r);
}

static void put_bool(struct buffer *out, const bool *value)
{
    buffer_put_u8(out, *value);
}

/* Anything but 0 and 1 would not come back as the same bytes. */
static void read_bool(struct reader *r, bool *value)
{
    uint8_t byte = reader_u8(r);
    if (byte > 1)
        r->bad = true;
    *value = byte == 1;
}

static void put_standing(struct buffer *out, const uint8_t *standing)
{
    buffer_put_u8(out, *standing);
}

static void read_standing(struct reader *r, uint8_t *standing)
{
    *standing = reader_u8(r);
    if (*standing >= PAXOS_STANDING_END)
        r->bad = true;
}

static void put_sync(struct buffer *out, const uint8_t *sync)
{
    assert(*sync <= PAXOS_SYNC_SNAPSHOT);
    buffer_put_u8(out, *sync);
}

static void read_sync(struct reader *r, uint8_t *sync)
{
    *sync = reader_u8(r);
    if (*sync > PAXOS_SYNC_SNAPSHOT)
        r->bad = true;
}

static void put_lives(struct buffer *out, const uint32_t (*lives)[PAXOS_NODES_MAX])
{
    for (int i = 0; i < PAXOS_NODES_MAX; i++)
        buffer_put_u32(out, (*lives)[i]);
}

static void read_lives(struct reader *r, uint32_t (*lives)[PAXOS_NODES_MAX])
{
    for (int i = 0; i < PAXOS_NODES_MAX; i++)
        (*lives)[i] = reader_u32(r);
}

static void put_folders(struct buffer *out, const uint64_t (*folders)[PAXOS_NODES_MAX])
{
    for (int i = 0; i < PAXOS_NODES_MAX; i++)
        buffer_put_u64(out, (*folders)[i]);
}

static void read_folders(struct reader *r, uint64_t (*folders)[PAXOS_NODES_MAX])
{
    for (int i = 0; i < PAXOS_NODES_MAX; i++)
        (*folders)[i] = reader_u64(r);
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

/* ---- Messages ---- */

static void put_message(struct buffer *out, const struct paxos_message *m)
{
    assert(m->type > 0 && m->type < PAXOS_MESSAGE_TYPE_END);
    buffer_put_u8(out, m->type);
#define FIELD_PUT(NAME, type, member)                                                              \
    if (fields_of(m) & FIELD_##NAME)                                                               \
        put_##type(out, &m->member);
    PAXOS_FIELDS(FIELD_PUT)
#undef FIELD_PUT
    if (fields_of(m) & FIELD_ENTRIES)
        put_entries(out, m);
}

static int read_message(struct reader *r, struct paxos_message *m)
{
    m->type = reader_u8(r);
    if (m->type == 0 || m->type >= PAXOS_MESSAGE_TYPE_END)
        return -EBADMSG;
#define FIELD_TAKE(NAME, type, member)                                                             \
    if (fields_of(m) & FIELD_##NAME)                                                               \
        read_##type(r, &m->member);
    PAXOS_FIELDS(FIELD_TAKE)
#undef FIELD_TAKE
    return fields_of(m) & FIELD_ENTRIES ? read_entries(r, m) : 0;
}

/* ---- Frames ---- */

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
        read_bool(r, &frame->last);
        frame->data = reader_bytes(r);
    }
    return 0;
}

/* The code comes last, without a length: it is of everything before it. */
static void put_sealed(struct buffer *out, const struct frame *frame)
{
    assert(frame->code.len == FRAME_CODE_BYTES);
    buffer_put_u64(out, frame->id);
    buffer_put_u64(out, frame->index);
    buffer_put_bytes(out, frame->data);
    buffer_append(out, frame->code.data, FRAME_CODE_BYTES);
}

static int read_sealed(struct reader *r, struct frame *frame)
{
    frame->id = reader_u64(r);
    frame->index = reader_u64(r);
    frame->data = reader_bytes(r);
    if (r->bad || reader_left(r) != FRAME_CODE_BYTES)
        return -EBADMSG;
    frame->code = bytes_of(r->at, FRAME_CODE_BYTES);
    r->at += FRAME_CODE_BYTES;
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
    case FRAME_CLOCK_REQUEST:
        buffer_put_u64(out, frame->id);
        break;
    case FRAME_CLOCK:
        buffer_put_u64(out, frame->id);
        buffer_put_u64(out, frame->time);
        break;
    case FRAME_REACH:
        put_reach(out, frame);
        break;
    case FRAME_DIGEST:
        buffer_put_u64(out, frame->index);
        buffer_put_u64(out, frame->digest);
        break;
    case FRAME_ROOM:
        buffer_put_u8(out, frame->room);
        buffer_put_u64(out, frame->room_bytes);
        break;
    case FRAME_SEALED:
        put_sealed(out, frame);
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
    case FRAME_CLOCK:
        frame->id = reader_u64(r);
        frame->time = reader_u64(r);
        return 0;
    case FRAME_ROOM:
        frame->room = reader_u8(r);
        frame->room_bytes = reader_u64(r);
        return frame->room < ROOM_END ? 0 : -EBADMSG;
    case FRAME_SEALED:
        return read_sealed(r, frame);
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
