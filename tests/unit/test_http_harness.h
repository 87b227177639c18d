/* The HTTP door on a loop in a thread of its own, before a fake replica; and a client made of
 * blocking sockets that says exactly the bytes it is told to. */
#ifndef QUORUMFS_TESTS_HTTP_HARNESS_H
#define QUORUMFS_TESTS_HTTP_HARNESS_H

#include "fake_replica.h"

#include "base/owner.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CLIENT_WAIT_MS = 20000 };

/* Starts and stops the server, at 127.0.0.1:8080 with the `hosts` test and outer.example:8443; for
 * cmocka's group set-up and tear-down. */
int harness_start(void **state);
int harness_stop(void **state);
/* Before each test: settings back to normal, no keys. */
int harness_reset(void **state);
/* Adds a key behind the door's back. */
void harness_put(const char *key, struct bytes value, uint32_t mode);

/* HTTP_BODY_MS_MAX for connections and requests from now on, until the next reset. */
void harness_set_body_ms(uint64_t ms);
/* HTTP_MOMENT_MS likewise. */
void harness_set_moment_ms(uint64_t ms);

/* What is bounded; 0: as it was. Until the next reset. */
struct bounds {
    size_t held_max;
    uint32_t connections_max;
    uint64_t idle_ms_max, pressed_ms, body_ms_max;
};
void harness_set_bounds(struct bounds bounds);
/* What all requests hold. */
size_t harness_held(void);
/* How many there are, of both kinds. */
uint32_t harness_connections(void);
/* From where connections come from now on, as text; NULL: from where they do. Until the next reset.
 */
void harness_set_from(const char *address);

/* Who makes connections from now on; root, until the next reset. */
void harness_set_owner(struct owner owner);
/* As whom clients of other machines act. Until the next reset. */
void harness_set_clients_as(struct config_user as);

int http_connect(void);

struct response {
    int status;
    char headers[8192];
    char *body; /* NUL-terminated */
    size_t body_len;
};

void send_bytes(int fd, const void *data, size_t len);
void send_text(int fd, const char *text);
/* Reads one response; `head`: it has no body. Fails the test if there is none. */
struct response receive_response(int fd, bool head);
void response_free(struct response *response);
/* The value of a header, up to its line's end; "" if it is missing. */
const char *response_header(const struct response *response, const char *name);
/* True when the server has closed the connection; waits. */
bool is_closed(int fd);

/* One request on a connection of its own. `headers` are whole lines with CRLF, or "". */
struct response request(const char *method, const char *path, const char *headers,
                        const char *body);
/* The same, and compares status and body (NULL: any). */
void expect(const char *method, const char *path, const char *headers, const char *body, int status,
            const char *answer);
/* The status, and that the body is an error with this piece of text. */
void expect_error(const char *method, const char *path, const char *headers, const char *body,
                  int status, const char *text);

/* The status, and a header of the answer; "": it has none. */
void expect_header(const char *method, const char *path, const char *headers, const char *body,
                   int status, const char *name, const char *value);

/* The status of the answer to these bytes, on this connection or on one of its own. */
int status_on(int fd, const char *text);
int status_of(const char *text);

/* ---- WebSocket ---- */

int ws_open(void);
void ws_send_frame(int fd, int opcode, bool final, const void *data, size_t len);
void ws_send(int fd, const char *text);
/* The next message, to be freed; a close frame gives its code in `*close_code` and NULL. */
char *ws_receive(int fd, size_t *len, int *close_code);
void ws_expect(int fd, const char *text);

#endif
