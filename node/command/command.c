#include "command/command.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STAMP_TIME_AT = 1 + 4 + 8 + 8 + 8, STAMP_BYTES = STAMP_TIME_AT + 8 + 4 };

/* The field's bit in a mask. */
#define FIELD_BIT(name, kind, bit, level) FIELD_##name = 1u << bit,
enum op_field { OPERATION_FIELDS(FIELD_BIT) };
#undef FIELD_BIT

/* Version 1 has room for 16 fields, all of them of level 1. */
#define FIELD_FITS(name, kind, bit, level)                                                         \
    static_assert(bit < 32 && (level > 1) == (bit >= 16), "the field " #name);
OPERATION_FIELDS(FIELD_FITS)
#undef FIELD_FITS

#define FIELD_OR(name, kind, bit, level) FIELD_##name |
static const uint32_t fields_known = OPERATION_FIELDS(FIELD_OR) 0;
#undef FIELD_OR

#define TYPE_LEVEL(name, number, function, level) [OP_##name] = level,
static const uint8_t type_levels[OP_TYPE_END] = {OPERATIONS(TYPE_LEVEL)};
#undef TYPE_LEVEL

static uint8_t version_of(uint32_t level)
{
    return level > 1 ? 2 : 1;
}

/* ---- The kinds of fields ---- */

static bool u32_is_set(uint32_t value)
{
    return value != 0;
}

static bool u64_is_set(uint64_t value)
{
    return value != 0;
}

static bool time_is_set(int64_t value)
{
    return value != 0;
}

static bool bytes_is_set(struct bytes value)
{
    return value.len > 0;
}

static void buffer_put_time(struct buffer *b, int64_t value)
{
    buffer_put_u64(b, (uint64_t)value);
}

static int64_t reader_time(struct reader *r)
{
    return (int64_t)reader_u64(r);
}

/* ---- Writing ---- */

static uint32_t fields_of(const struct op *op)
{
    uint32_t mask = 0;
#define FIELD_ADD(name, kind, bit, level) mask |= kind##_is_set(op->name) ? FIELD_##name : 0;
    OPERATION_FIELDS(FIELD_ADD)
#undef FIELD_ADD
    return mask;
}

static uint32_t level_of(const struct op *op, uint32_t mask)
{
    uint32_t highest = type_levels[op->type];
#define FIELD_RAISE(name, kind, bit, level)                                                        \
    if (mask & FIELD_##name && highest < level)                                                    \
        highest = level;
    OPERATION_FIELDS(FIELD_RAISE)
#undef FIELD_RAISE
    return highest;
}

/* Deleting, renaming, cutting and attributes need room for their entry in the log only, which is
 * trimmed. Whether bytes are written over others, and grow nothing, is not known before. */
static bool op_grows(const struct op *op)
{
    switch (op->type) {
    case OP_PUT:
    case OP_WRITE:
    case OP_APPEND:
    case OP_ALLOCATE:
    case OP_CREATE:
    case OP_MKNOD:
    case OP_MKDIR:
    case OP_SYMLINK:
    case OP_LINK:
    case OP_SETXATTR:
    case OP_EPHEMERAL:
    case OP_TTL:
    case OP_LEASE:
        return true;
    default:
        return false;
    }
}

/* In the key of an operation by path. */
static uint32_t names_of(const struct op *op)
{
    uint32_t names = 1;
    if (op->type != OP_PUT && op->type != OP_DELETE && op->type != OP_IF)
        return 0;
    const uint8_t *at = op->name.data, *end = at + op->name.len;
    while (at < end && (at = memchr(at, '/', (size_t)(end - at)))) {
        names++;
        at++;
    }
    return names;
}

static void put_op(struct buffer *b, uint8_t version, const struct op *op, uint32_t mask)
{
    buffer_put_u8(b, op->type);
    if (version == 1)
        buffer_put_u16(b, (uint16_t)mask);
    else
        buffer_put_u32(b, mask);
#define FIELD_PUT(name, kind, bit, level)                                                          \
    if (mask & FIELD_##name)                                                                       \
        buffer_put_##kind(b, op->name);
    OPERATION_FIELDS(FIELD_PUT)
#undef FIELD_PUT
}

/* Adds an operation that the version of the former ones cannot say: they are encoded anew. */
static int add_to_wider(struct command *c, const struct op *op, uint32_t level)
{
    struct command wider = {.level = level};
    struct command_view view = {.version = version_of(c->level), .count = c->count};
    view.ops = reader_of(bytes_of(c->bytes.data + STAMP_BYTES, c->bytes.len - STAMP_BYTES));
    int status = 0;
    for (uint32_t i = 0; i < view.count && status == 0; i++) {
        struct op former;
        status = command_next(&view, &former);
        assert(status == 0);
        status = command_add(&wider, &former);
    }
    if (status == 0)
        status = command_add(&wider, op);
    if (status < 0) {
        command_free(&wider);
        return status;
    }
    command_free(c);
    *c = wider;
    return 0;
}

void command_free(struct command *c)
{
    buffer_free(&c->bytes);
    c->count = 0;
    c->names = 0;
    c->level = 0;
}

int command_add(struct command *c, const struct op *op)
{
    assert(op->type < OP_TYPE_END && type_levels[op->type] > 0);
    uint32_t names = names_of(op);
    if (c->count == 0)
        c->names = 0;
    if (c->count == COMMAND_OPS_MAX || names > COMMAND_NAMES_MAX - c->names)
        return -E2BIG;
    if (op->type == OP_PUT && op->data.len > VALUE_BYTES_MAX)
        return -EFBIG;
    uint32_t mask = fields_of(op), level = level_of(op, mask);
    if (level < c->level)
        level = c->level;
    if (c->count > 0 && version_of(level) > version_of(c->level))
        return add_to_wider(c, op, level);
    if (c->count == 0) {
        static const uint8_t unstamped[STAMP_BYTES];
        c->bytes.len = 0;
        buffer_append(&c->bytes, unstamped, sizeof unstamped);
    }
    size_t before = c->bytes.len;
    put_op(&c->bytes, version_of(level), op, mask);
    if (c->bytes.failed)
        return -ENOMEM;
    if (c->bytes.len > COMMAND_BYTES_MAX) {
        c->bytes.len = before;
        return -EFBIG;
    }
    c->count++;
    c->names += names;
    c->level = level;
    c->grows |= op_grows(op);
    return 0;
}

void command_stamp(struct command *c, const struct stamp *stamp)
{
    assert(c->count > 0 && c->bytes.len > STAMP_BYTES);
    size_t len = c->bytes.len;
    c->bytes.len = 0; /* the room for the stamp is there: nothing below allocates */
    buffer_put_u8(&c->bytes, version_of(c->level));
    buffer_put_u32(&c->bytes, stamp->node);
    buffer_put_u64(&c->bytes, stamp->incarnation);
    buffer_put_u64(&c->bytes, stamp->sequence);
    buffer_put_u64(&c->bytes, stamp->lowest);
    buffer_put_u64(&c->bytes, stamp->time);
    buffer_put_u32(&c->bytes, c->count);
    assert(c->bytes.len == STAMP_BYTES);
    c->bytes.len = len;
}

void command_date(uint8_t *bytes, uint64_t time)
{
    for (int i = 0; i < 8; i++)
        bytes[STAMP_TIME_AT + i] = (uint8_t)(time >> 8 * i);
}

/* ---- Reading ---- */

int command_read(struct bytes bytes, struct command_view *view)
{
    struct reader r = reader_of(bytes);
    view->version = reader_u8(&r);
    if (view->version > COMMAND_VERSION_MAX)
        return -EPROTONOSUPPORT;
    if (view->version == 0 || bytes.len > COMMAND_BYTES_MAX)
        return -EBADMSG;
    view->stamp.node = reader_u32(&r);
    view->stamp.incarnation = reader_u64(&r);
    view->stamp.sequence = reader_u64(&r);
    view->stamp.lowest = reader_u64(&r);
    view->stamp.time = reader_u64(&r);
    view->count = reader_u32(&r);
    view->ops = r;
    if (r.bad || view->count == 0 || view->count > COMMAND_OPS_MAX)
        return -EBADMSG;
    return 0;
}

/* The type and the mask. Nodes of level 1 take what they do not know in version 1 for
 * malformed, and so does every other node. */
static int read_head(struct reader *r, uint8_t version, struct op *op, uint32_t *mask)
{
    op->type = reader_u8(r);
    *mask = version == 1 ? reader_u16(r) : reader_u32(r);
    if (r->bad || op->type == 0)
        return -EBADMSG;
    bool known =
        op->type < OP_TYPE_END && type_levels[op->type] > 0 && (*mask & ~fields_known) == 0;
    if (version == 1)
        return known && type_levels[op->type] == 1 ? 0 : -EBADMSG;
    return known ? 0 : -EPROTONOSUPPORT;
}

int command_next(struct command_view *view, struct op *op)
{
    struct reader *r = &view->ops;
    uint32_t mask;
    *op = (struct op){0};
    int status = read_head(r, view->version, op, &mask);
    if (status < 0)
        return status;
#define FIELD_TAKE(name, kind, bit, level)                                                         \
    if (mask & FIELD_##name)                                                                       \
        op->name = reader_##kind(r);
    OPERATION_FIELDS(FIELD_TAKE)
#undef FIELD_TAKE
    return r->bad ? -EBADMSG : 0;
}

int command_check(struct bytes bytes, struct command_view *view)
{
    int status = command_read(bytes, view);
    if (status < 0)
        return status;
    struct command_view probe = *view;
    struct op op;
    for (uint32_t i = 0; status == 0 && i < probe.count; i++) {
        status = command_next(&probe, &op);
        if (status == 0 && op.type == OP_LEVEL && op.size > LEVEL_MAX)
            status = -EPROTONOSUPPORT;
    }
    return status == 0 && reader_left(&probe.ops) > 0 ? -EBADMSG : status;
}

void command_result_free(struct command_result *r)
{
    free(r->ops);
    buffer_free(&r->old);
    *r = (struct command_result){0};
}

struct command_result command_result_behind(const struct command_result *r, uint32_t first)
{
    struct command_result behind = *r;
    assert(r->status != 0 || r->count >= first);
    if (r->status == 0) {
        behind.ops = r->ops + first;
        behind.count = r->count - first;
    }
    behind.failed_op = r->failed_op - first; /* beyond all, if it was before them */
    return behind;
}

struct bytes command_result_old(const struct command_result *r, uint32_t i)
{
    assert(i < r->count && r->ops[i].old_present);
    return bytes_of(r->old.data + r->ops[i].old_at, r->ops[i].old_len);
}
