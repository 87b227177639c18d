/* Sends values, as JSON or as raw bytes. */
#include "http_internal.h"
#include "json_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE_BYTES = 256 * 1024 }; /* a longer raw value is read in pieces of this size */

int http_find(struct tree *tree, struct bytes key, struct attr *attr)
{
    int status = tree_resolve(tree, key, attr);
    if (status != 0 || S_ISREG(attr->mode))
        return status;
    if (S_ISDIR(attr->mode))
        return -EISDIR;
    return S_ISLNK(attr->mode) ? -ELOOP : -EINVAL;
}

bool http_await_contents(struct replica *replica, struct bytes key,
                         struct replica_freshness freshness, void (*done)(void *arg), void *arg)
{
    struct attr attr;
    return !freshness.stale && http_find(replica_tree(replica), key, &attr) == 0 &&
           attr.size == 0 && replica_await_contents(replica, attr.ino, done, arg);
}

int http_put_value(struct buffer *out, struct tree *tree, struct bytes key, const struct attr *attr,
                   uint64_t bytes_max)
{
    if (attr->size > bytes_max)
        return -EFBIG;
    struct buffer value = {0};
    int status = tree_read(tree, attr->ino, 0, (size_t)attr->size, &value);
    if (status == 0 && value.failed)
        status = -ENOMEM;
    if (status == 0) {
        http_json_raw(out, "{");
        http_json_field(out, "key", key);
        http_json_bool(out, "exists", true);
        http_json_field(out, "value", bytes_of(value.data, value.len));
        http_json_raw(out, "}");
    }
    buffer_free(&value);
    return status;
}

void http_put_absent(struct buffer *out, struct bytes key, int status)
{
    http_json_raw(out, "{");
    http_json_field(out, "key", key);
    if (status == -ENOENT)
        http_json_bool(out, "exists", false);
    else
        http_json_field(out, "error", bytes_of_text(http_errno_text(status)));
    http_json_raw(out, "}");
}

/* ---- Raw ---- */

/* A value that is read while it is sent. A new revision means that it has changed meanwhile. */
struct stream {
    struct replica *replica;
    uint64_t ino, revision;
};

struct piece {
    const struct stream *stream;
    uint64_t offset;
    char *to;
    size_t len;
    ssize_t got;
};

static void on_piece(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct piece *piece = arg;
    const struct stream *stream = piece->stream;
    struct attr attr;
    if (outcome != REPLICA_DONE)
        return;
    struct tree *tree = replica_tree(stream->replica);
    if (tree_getattr(tree, stream->ino, &attr) != 0 || attr.revision != stream->revision)
        return;
    struct buffer bytes = {0};
    int status = tree_read(tree, stream->ino, piece->offset, piece->len, &bytes);
    if (status == 0 && !bytes.failed && bytes.len > 0 && bytes.len <= piece->len) {
        memcpy(piece->to, bytes.data, bytes.len);
        piece->got = (ssize_t)bytes.len;
    }
    buffer_free(&bytes);
}

/* Reads a piece at once: the request's own read was confirmed before, so this node's tree is recent
 * enough, and REPLICA_LOCAL calls back before it returns. */
static ssize_t stream_read(void *arg, uint64_t offset, char *to, size_t len)
{
    struct stream *stream = arg;
    struct piece piece = {stream, offset, to, len < PIECE_BYTES ? len : PIECE_BYTES,
                          MHD_CONTENT_READER_END_WITH_ERROR};
    replica_read(stream->replica, REPLICA_LOCAL, on_piece, &piece);
    return piece.got;
}

static struct MHD_Response *stream_new(struct http_request *request, const struct attr *attr)
{
    struct stream *stream = malloc(sizeof *stream);
    if (!stream)
        return NULL;
    *stream = (struct stream){request->http->replica, attr->ino, attr->revision};
    struct MHD_Response *response =
        MHD_create_response_from_callback(attr->size, PIECE_BYTES, stream_read, stream, free);
    if (!response)
        free(stream);
    return response;
}

void http_answer_raw(struct http_request *request, const struct attr *attr)
{
    request->answer.content_type = "application/octet-stream";
    size_t held = attr->size < PIECE_BYTES ? (size_t)attr->size : PIECE_BYTES;
    int status = http_hold(request, held) ? 0 : -EBUSY;
    if (status == 0 && attr->size > PIECE_BYTES) {
        request->answer.stream = stream_new(request, attr);
        status = request->answer.stream ? 0 : -ENOMEM;
    } else if (status == 0) {
        status = tree_read(replica_tree(request->http->replica), attr->ino, 0, held, &request->out);
    }
    if (status == 0)
        http_answer(request, MHD_HTTP_OK);
    else
        http_error_errno(request, status, http_path_key(request));
}
