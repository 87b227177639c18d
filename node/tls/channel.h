/* Encrypted connections for rooms that know nothing of encryption: the socket of a client or a node
 * stays here, and the room gets one end of a pair of sockets with the bytes that were decrypted.
 *
 *   HANDSHAKE --ready called--> OPEN --the room ends--> ENDING --> closed
 *
 * Memory is bounded: what one side does not take is not read from the other. The ends of both
 * directions are passed on, each by itself. Thread: the loop's. */
#ifndef QUORUMFS_TLS_CHANNEL_H
#define QUORUMFS_TLS_CHANNEL_H

#include "tls/tls.h"

#include <stddef.h>
#include <sys/socket.h>

enum {
    CHANNEL_HANDSHAKE_MS = 10000,
    CHANNEL_HANDSHAKES_MAX = 512, /* at a time; the oldest is closed */
    CHANNEL_ENDING_MS = 10000, /* after the room has ended its side, for the other end to do so */
    CHANNEL_PIECE_BYTES = 64 * 1024, /* of each direction are held at most */
    CHANNEL_ABOUT_BYTES = 2048,
    CHANNEL_WARN_MS = 60 * 1000, /* between warnings of nodes that could not prove themselves */
};

struct channels;

/* The handshake is done; takes `inner`, a non-blocking socket. `about` is a copy of what
 * channel_accept was told. */
typedef void channel_ready_cb(void *arg, int inner, enum tls_who who, const void *about);

int channels_start(uv_loop_t *loop, struct tls *tls, struct channels **channels);
/* Takes the descriptor of a connection that begins with a ClientHello. `ready` is called later, or
 * never. `from` is for the log; `about_len` bytes of `about`, at most CHANNEL_ABOUT_BYTES, are kept
 * for `ready`. */
void channel_accept(struct channels *channels, int fd, const struct sockaddr *from,
                    const void *about, size_t about_len, channel_ready_cb *ready, void *arg);
/* `ready` is not called any more with this argument. */
void channels_forget(struct channels *channels, const void *arg);
/* Connections, each with two descriptors besides the inner one. */
uint32_t channels_count(const struct channels *channels);
/* Closes those that are not open yet, and takes no more; the others end with their rooms. */
void channels_stop(struct channels *channels);
/* Frees it once the last has ended and the loop has run; cuts those off that are left. */
void channels_free(struct channels *channels);

#endif
