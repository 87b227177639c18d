/* Private to the room: secrets and certificates as they were read at one time, and the contexts of
 * OpenSSL that use them. Each session keeps those with which it began. */
#ifndef QUORUMFS_TLS_CONTEXT_H
#define QUORUMFS_TLS_CONTEXT_H

#include "tls/tls.h"

#include <openssl/ssl.h>

/* RFC 7301: how a node says that it is one. */
#define CONTEXT_ALPN "quorumfs/1"

enum { CONTEXT_NONCE_BYTES = 16, CONTEXT_IDENTITY_BYTES = 2 * CONTEXT_NONCE_BYTES };

struct credentials {
    uint32_t refs; /* only on the loop */
    uint32_t secret_count;
    struct secret_keys {
        uint8_t psk[TLS_KEY_BYTES];      /* of the handshake */
        uint8_t identity[TLS_KEY_BYTES]; /* of the name by which the other end finds the secret */
        uint8_t relay[TLS_KEY_BYTES];    /* of codes for frames */
    } secrets[TLS_SECRETS_MAX];
    bool has_cert, has_ca;
    SSL_CTX *server, *client;
};

/* For SSL_get_app_data: what the callbacks of a handshake need and find. */
struct context_peer {
    const struct credentials *credentials;
    uint32_t way;
    bool claims_node; /* by its protocol */
    bool has_secret;  /* the name that it gave was of a secret; it has still to prove it */
};

/* Reads everything; blocks. 0, or a negative errno with the fault's text. */
int credentials_read(const struct tls_config *config, struct credentials **out,
                     struct fault *fault);
void credentials_free(struct credentials *credentials);
/* HKDF-SHA-256 (RFC 5869). 0 or -EIO. */
int context_derive(const uint8_t key[TLS_KEY_BYTES], struct bytes info,
                   uint8_t derived[TLS_KEY_BYTES]);
/* HMAC-SHA-256, cut to TLS_MAC_BYTES. 0 or -EIO. */
int context_mac(const uint8_t key[TLS_KEY_BYTES], struct bytes bytes, uint8_t mac[TLS_MAC_BYTES]);
/* The last error of OpenSSL, as a sentence. */
void context_error(char *text, size_t size);

struct credentials *tls_credentials(struct tls *tls); /* counted: for tls_release */
void tls_release(struct tls *tls, struct credentials *credentials);

#endif
