/* From HTTP to the client WebSocket (RFC 6455, 4.2). */
#include "client_session.h"

#include <string.h>

/* A key is 16 bytes in base64 (RFC 6455, 4.1). */
static bool websocket_key_ok(const char *key)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return key && strlen(key) == 24 && strspn(key, digits) == 22 && strcmp(key + 22, "==") == 0;
}

static bool version_ok(const struct http_head *head)
{
    const char *version = http_head_field(head, "Sec-WebSocket-Version");
    return version && strcmp(version, "13") == 0;
}

static bool asks_for_upgrade(const struct http_head *head)
{
    return !head->is_1_0 && !head->chunked && head->body_bytes == 0 &&
           strcmp(head->method, "GET") == 0 && http_list_has(head, "Upgrade", "websocket") &&
           http_list_has(head, "Connection", "upgrade") &&
           websocket_key_ok(http_head_field(head, "Sec-WebSocket-Key"));
}

bool http_client_is_handshake(const struct http_request *request)
{
    return request->state == HTTP_REQUEST_RECEIVING &&
           request->route->handler == http_client_refused && !request->uri_fault.text[0] &&
           asks_for_upgrade(&request->head) && version_ok(&request->head) &&
           http_clients_have_room(request->http->clients, request->connection->address);
}

/* Only what counts, so that libwebsockets reads nothing that has not been checked here. */
void http_client_handshake(const struct http_request *request, struct buffer *out)
{
    buffer_printf(out,
                  "GET /client HTTP/1.1\r\nHost: node\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n",
                  http_header(request, "Sec-WebSocket-Key"));
}

/* A GET /client that is no handshake, or that comes when there is no room. */
void http_client_refused(struct http_request *request)
{
    if (asks_for_upgrade(&request->head) && !version_ok(&request->head)) {
        request->answer.field = "Sec-WebSocket-Version: 13"; /* RFC 6455, 4.4 */
        http_error(request, HTTP_UPGRADE_REQUIRED, (struct bytes){0},
                   "this node speaks version 13 of the WebSocket protocol");
    } else if (asks_for_upgrade(&request->head)) {
        http_error(request, HTTP_SERVICE_UNAVAILABLE, (struct bytes){0},
                   "this node has as many WebSockets as it serves, or as one address may have: try "
                   "again later");
    } else {
        http_error(request, HTTP_BAD_REQUEST, (struct bytes){0},
                   "/client is a WebSocket: ask for an upgrade");
    }
}
