/* One end of a connection: bytes in and out of a socket, encrypted or plain.
 *
 * The socket is non-blocking, and the caller watches it: after -EAGAIN, for what session_wants
 * says. Thread: the loop's. */
#ifndef QUORUMFS_TLS_SESSION_H
#define QUORUMFS_TLS_SESSION_H

#include "tls/tls.h"

#include <sys/types.h>

enum { SESSION_WHY_MAX = 160 };

struct session;

/* Each takes no descriptor: it is the caller's. NULL: out of memory.
 *
 * A node dials another one, by the `way` of so many (tls_way_count): `host` is the name or the
 * address that its certificate must have. Without `tls` the session is plain. */
struct session *session_dial(struct tls *tls, int fd, uint32_t way, const char *host);
struct session *session_accept(struct tls *tls, int fd);
void session_free(struct session *session);

/* 0: the other end is who session_who says. -EAGAIN; -EPROTO: it failed. */
int session_handshake(struct session *session);
/* Why it has failed, for the log; never empty. Whether the other end said that it is a node. */
const char *session_why(const struct session *session);
bool session_claims_node(const struct session *session);
enum tls_who session_who(const struct session *session);

/* How many bytes; 0: the other end sends no more. -EAGAIN, or another negative errno. */
ssize_t session_read(struct session *session, void *data, size_t len);
/* How many were taken. After -EAGAIN the same bytes are to be written again. */
ssize_t session_write(struct session *session, const void *data, size_t len);
/* Tells the other end that nothing follows. 0, -EAGAIN, or another negative errno. */
int session_end(struct session *session);
/* UV_READABLE or UV_WRITABLE, after -EAGAIN. */
int session_wants(const struct session *session);

#endif
