/* One end of a connection: bytes in and out of a socket, encrypted or plain.
 *
 * The socket is non-blocking, and the caller watches it: after -EAGAIN, for what tls_session_wants
 * says. Thread: the loop's. */
#ifndef QUORUMFS_TLS_SESSION_H
#define QUORUMFS_TLS_SESSION_H

#include "tls/tls.h"

#include <sys/types.h>

enum { TLS_SESSION_WHY_MAX = 160 };

struct tls_session;

/* Each takes no descriptor: it is the caller's. NULL: out of memory.
 *
 * A node dials another one, by the `way` of so many (tls_way_count): `host` is the name or the
 * address that its certificate must have. Without `tls` the session is plain. */
struct tls_session *tls_session_dial(struct tls *tls, int fd, uint32_t way, const char *host);
struct tls_session *tls_session_accept(struct tls *tls, int fd);
void tls_session_free(struct tls_session *session);

/* 0: the other end is who tls_session_who says. -EAGAIN; -EPROTO: it failed. */
int tls_session_handshake(struct tls_session *session);
/* Why it has failed, for the log; never empty. Whether the other end said that it is a node. */
const char *tls_session_why(const struct tls_session *session);
bool tls_session_claims_node(const struct tls_session *session);
enum tls_who tls_session_who(const struct tls_session *session);

/* How many bytes; 0: the other end sends no more. -EAGAIN, or another negative errno. */
ssize_t tls_session_read(struct tls_session *session, void *data, size_t len);
/* How many were taken. After -EAGAIN the same bytes are to be written again. */
ssize_t tls_session_write(struct tls_session *session, const void *data, size_t len);
/* Tells the other end that nothing follows. 0, -EAGAIN, or another negative errno. */
int tls_session_end(struct tls_session *session);
/* UV_READABLE or UV_WRITABLE, after -EAGAIN. */
int tls_session_wants(const struct tls_session *session);

#endif
