/* Encryption of connections, and the proof that the other end is a node of the cluster.
 *
 * The standard construction is TLS 1.3 with an external pre-shared key (RFC 8446, 2.2) and an
 * ephemeral key exchange (psk_dhe_ke), made from the secret of the cluster; or certificates of
 * which both ends verify each other's. Nothing of the secret travels, and what was recorded cannot
 * be read by who learns the secret later. Clients come with TLS 1.2 or 1.3 to the certificate of
 * the node. A node says by its protocol (ALPN, RFC 7301) that it is one.
 *
 * Two secrets count at a time, so that they can be changed without a stop: the first is the one
 * that this node dials with, and both let a node in.
 *
 * Thread: the loop's, but for tls_make_secret. */
#ifndef QUORUMFS_TLS_TLS_H
#define QUORUMFS_TLS_TLS_H

#include "base/buffer.h"
#include "base/fault.h"

#include <uv.h>

enum {
    TLS_SECRETS_MAX = 2,
    TLS_SECRET_MAX = 256,  /* bytes with the NUL */
    TLS_SECRET_SHORT = 20, /* a secret that a person made up is warned about below so many */
    TLS_KEY_BYTES = 32,
    TLS_MAC_BYTES = 16,
    TLS_RELOAD_MS = 2000, /* so often the files are looked at */
};

/* Text, empty if there is none. The paths are absolute. */
struct tls_config {
    const char *secret, *secret_file;
    const char *cert, *key, *ca;
};

/* Who is at the other end of a connection. */
enum tls_who {
    TLS_NOBODY, /* it is not encrypted */
    TLS_CLIENT, /* it is encrypted, and has proved nothing */
    TLS_NODE,   /* it has proved that it is a node of the cluster */
};

struct tls;

/* Reads secrets and certificates. `*tls` is NULL if there are none. 0, or a negative errno with the
 * fault's text. */
int tls_start(uv_loop_t *loop, const struct tls_config *config, struct tls **tls,
              struct fault *fault);
/* Reads the files again, in the background; connections go on as they are. If something is wrong
 * with them, what was read before stays, and a warning says why. It happens by itself when a file
 * has changed. */
void tls_reload(struct tls *tls);
/* Stops looking at the files; it is freed with the last connection, once the loop has run. */
void tls_stop(struct tls *tls);

/* Whether nodes can prove themselves to this one, and whether clients may come by HTTPS. */
bool tls_has_nodes(const struct tls *tls);
bool tls_has_clients(const struct tls *tls);
/* By so many ways this node can prove itself: secrets, then its certificate. */
uint32_t tls_way_count(const struct tls *tls);
/* How many secrets count now; in the order of their file. */
uint32_t tls_secret_count(const struct tls *tls);

/* A code that only nodes can make which know the secret of this number: of `bytes`, from one node
 * to another (HMAC-SHA-256, cut, by a key for this pair and direction). -ENOENT: there is no such
 * secret. -EIO. */
int tls_mac(const struct tls *tls, uint32_t secret, uint32_t from, uint32_t to, struct bytes bytes,
            uint8_t mac[TLS_MAC_BYTES]);
/* Whether the code is the right one, by any of the secrets. */
bool tls_mac_is_right(const struct tls *tls, uint32_t from, uint32_t to, struct bytes bytes,
                      const uint8_t mac[TLS_MAC_BYTES]);

/* A new secret of 256 bits, as text. 0 or -EIO. */
int tls_make_secret(char text[TLS_SECRET_MAX]);
/* Whether a program has made it. */
bool tls_secret_is_made(const char *text);

#endif
