/* Private to the room: secrets as people write them, and the file that holds them. */
#ifndef QUORUMFS_TLS_SECRET_H
#define QUORUMFS_TLS_SECRET_H

#include "tls/tls.h"

/* The key that a secret stands for. Takes a tenth of a second for one that a person made up
 * (scrypt, RFC 7914). 0, or -EIO with the fault's text. */
int secret_key(const char *text, uint8_t key[TLS_KEY_BYTES], struct fault *fault);

/* The lines of the file, at most TLS_SECRETS_MAX; empty ones and those that begin with # do not
 * count. Returns how many, or a negative errno with the fault's text: others can read it, it is
 * another user's, or it holds no secret. */
int secret_read(const char *path, char secrets[TLS_SECRETS_MAX][TLS_SECRET_MAX],
                struct fault *fault);

#endif
