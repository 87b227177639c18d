/* Results of commands as the exactly-once rows keep them: everything but former values.
 *
 *   status i32 | failed_op u32 | revision u64 | count u32 | whole u8
 *   then each operation: existed u8 and, if whole: the attributes, offset u64 */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Of longer lists only `existed` and the revision are kept, so that the row of one command stays
 * small. */
enum { WHOLE_OPS_MAX = 128 };

enum { HEAD_BYTES = 21, WHOLE_OP_BYTES = 85 };

static void encode_attr(struct buffer *out, const struct attr *attr)
{
    buffer_put_u64(out, attr->ino);
    buffer_put_u32(out, attr->mode);
    buffer_put_u32(out, attr->nlink);
    buffer_put_u32(out, attr->uid);
    buffer_put_u32(out, attr->gid);
    buffer_put_u32(out, attr->rdev);
    buffer_put_u64(out, attr->size);
    buffer_put_u64(out, attr->used);
    buffer_put_u64(out, attr->revision);
    buffer_put_u64(out, (uint64_t)attr->atime);
    buffer_put_u64(out, (uint64_t)attr->mtime);
    buffer_put_u64(out, (uint64_t)attr->ctime);
}

static void decode_attr(struct reader *r, struct attr *attr)
{
    attr->ino = reader_u64(r);
    attr->mode = reader_u32(r);
    attr->nlink = reader_u32(r);
    attr->uid = reader_u32(r);
    attr->gid = reader_u32(r);
    attr->rdev = reader_u32(r);
    attr->size = reader_u64(r);
    attr->used = reader_u64(r);
    attr->revision = reader_u64(r);
    attr->atime = (int64_t)reader_u64(r);
    attr->mtime = (int64_t)reader_u64(r);
    attr->ctime = (int64_t)reader_u64(r);
}

void result_encode(const struct command_result *result, struct buffer *out)
{
    bool whole = result->count <= WHOLE_OPS_MAX;
    assert(result->count == 0 || result->status == 0);
    assert(result->count <= COMMAND_OPS_MAX);
    buffer_reserve(out, HEAD_BYTES + result->count * (whole ? WHOLE_OP_BYTES : 1)); /* at once */
    buffer_put_u32(out, (uint32_t)result->status);
    buffer_put_u32(out, result->failed_op);
    buffer_put_u64(out, result->revision);
    buffer_put_u32(out, result->count);
    buffer_put_u8(out, whole);
    for (uint32_t i = 0; i < result->count; i++) {
        buffer_put_u8(out, result->ops[i].existed);
        if (!whole)
            continue;
        encode_attr(out, &result->ops[i].attr);
        buffer_put_u64(out, result->ops[i].offset);
    }
}

static void decode_op(struct reader *r, bool whole, uint64_t revision, struct op_result *op)
{
    op->existed = reader_u8(r);
    op->attr.revision = revision;
    if (!whole)
        return;
    decode_attr(r, &op->attr);
    op->offset = reader_u64(r);
}

int result_decode(struct bytes bytes, struct command_result *result)
{
    struct reader r = reader_of(bytes);
    *result = (struct command_result){.old_forgotten = true};
    result->status = (int)reader_u32(&r);
    result->failed_op = reader_u32(&r);
    result->revision = reader_u64(&r);
    uint32_t count = reader_u32(&r);
    bool whole = reader_u8(&r);
    if (r.bad || count > reader_left(&r) || count > COMMAND_OPS_MAX)
        return -EBADMSG;
    if (count > 0) {
        result->ops = calloc(count, sizeof *result->ops);
        if (!result->ops)
            return -ENOMEM;
        result->count = count;
    }
    for (uint32_t i = 0; i < count; i++)
        decode_op(&r, whole, result->revision, &result->ops[i]);
    return r.bad ? -EBADMSG : 0;
}
