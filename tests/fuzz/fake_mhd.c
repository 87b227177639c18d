#include "fake_mhd.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { STREAM_PIECE_BYTES = 4096 };

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
                                                        enum MHD_ConnectionInfoType type, ...)
{
    static union MHD_ConnectionInfo info;
    assert(type == MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    info.socket_context = connection->context;
    return &info;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                        const char *name)
{
    assert(kind == MHD_HEADER_KIND);
    for (size_t i = 0; i < connection->header_count; i++)
        if (strcasecmp(connection->headers[i].name, name) == 0)
            return connection->headers[i].value;
    return NULL;
}

void MHD_suspend_connection(struct MHD_Connection *connection)
{
    assert(!connection->suspended);
    connection->suspended = true;
}

void MHD_resume_connection(struct MHD_Connection *connection)
{
    assert(connection->suspended);
    connection->suspended = false;
}

/* ---- Responses ---- */

static struct MHD_Response *response_new(void)
{
    struct MHD_Response *response = calloc(1, sizeof *response);
    assert(response);
    response->refs = 1;
    return response;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *data,
                                                     enum MHD_ResponseMemoryMode mode)
{
    assert(mode == MHD_RESPMEM_MUST_FREE);
    struct MHD_Response *response = response_new();
    buffer_append(&response->body, data, size);
    free(data);
    return response;
}

/* Reads the whole stream at once. */
struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block_size,
                                                       MHD_ContentReaderCallback read, void *arg,
                                                       MHD_ContentReaderFreeCallback done)
{
    struct MHD_Response *response = response_new();
    while (response->body.len < size && !response->cut) {
        char *to = (char *)buffer_reserve(&response->body, STREAM_PIECE_BYTES);
        assert(to);
        ssize_t got = read(arg, response->body.len, to, STREAM_PIECE_BYTES);
        assert(got != 0 && got <= STREAM_PIECE_BYTES);
        response->cut = got < 0;
        response->body.len += got > 0 ? (size_t)got : 0;
    }
    done(arg);
    return response;
}

/* Bytes that would split or end a header must not get into one (RFC 9110, 5.5). */
enum MHD_Result MHD_add_response_header(struct MHD_Response *response, const char *name,
                                        const char *value)
{
    assert(!strpbrk(value, "\r\n") && value[0]);
    if (strcmp(name, MHD_HTTP_HEADER_CONTENT_TYPE) == 0) {
        assert(!response->content_type);
        response->content_type = strdup(value);
    }
    return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
                                   struct MHD_Response *response)
{
    assert(!connection->suspended);
    assert(connection->status == 0);
    assert(status >= 200 && status <= 599);
    connection->status = status;
    connection->response = response;
    response->refs++;
    return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *response)
{
    assert(response->refs > 0);
    if (--response->refs > 0)
        return;
    buffer_free(&response->body);
    free(response->content_type);
    free(response);
}

void fake_mhd_end(struct MHD_Connection *connection)
{
    if (connection->response)
        MHD_destroy_response(connection->response);
    for (size_t i = 0; i < connection->header_count; i++)
        free(connection->headers[i].value);
    *connection = (struct MHD_Connection){.context = connection->context};
}
