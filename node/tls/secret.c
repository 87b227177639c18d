#include "tls/secret.h"

#include "tls/context.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_PREFIX "quorumfs-secret-"

/* RFC 7914; 32 MiB and a tenth of a second for each guess. */
enum { SCRYPT_N = 32768, SCRYPT_R = 8, SCRYPT_P = 1, SCRYPT_BYTES_MAX = 64 * 1024 * 1024 };

enum { SECRET_FILE_MAX = 4096 };

static int secret_hex(char digit)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, digit);
    return digit && at ? (int)(at - digits) : -1;
}

static bool secret_decode(const char *text, uint8_t key[TLS_KEY_BYTES])
{
    size_t prefix = strlen(SECRET_PREFIX);
    if (strncmp(text, SECRET_PREFIX, prefix) != 0 || strlen(text) != prefix + 2 * TLS_KEY_BYTES)
        return false;
    for (size_t i = 0; i < TLS_KEY_BYTES; i++) {
        int high = secret_hex(text[prefix + 2 * i]), low = secret_hex(text[prefix + 2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool tls_secret_is_made(const char *text)
{
    uint8_t key[TLS_KEY_BYTES];
    return secret_decode(text, key);
}

int tls_make_secret(char text[TLS_SECRET_MAX])
{
    uint8_t key[TLS_KEY_BYTES];
    if (RAND_priv_bytes(key, sizeof key) != 1)
        return -EIO;
    int at = snprintf(text, TLS_SECRET_MAX, "%s", SECRET_PREFIX);
    for (size_t i = 0; i < sizeof key; i++)
        at += snprintf(text + at, TLS_SECRET_MAX - (size_t)at, "%02x", key[i]);
    return 0;
}

/* The salt is fixed: the secret alone makes the key, at all nodes. */
int secret_key(const char *text, uint8_t key[TLS_KEY_BYTES], struct fault *fault)
{
    static const uint8_t salt[] = "quorumfs cluster secret 1";
    if (secret_decode(text, key))
        return 0;
    if (EVP_PBE_scrypt(text, strlen(text), salt, sizeof salt - 1, SCRYPT_N, SCRYPT_R, SCRYPT_P,
                       SCRYPT_BYTES_MAX, key, TLS_KEY_BYTES) != 1)
        return fault_set(fault, -EIO, "the secret cannot be stretched (scrypt): out of memory?");
    return 0;
}

static int secret_check_file(int fd, const char *path, struct fault *fault)
{
    struct stat about;
    if (fstat(fd, &about) < 0)
        return fault_set(fault, -errno, "secret_file %s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return fault_set(fault, -EINVAL, "secret_file %s: not a file", path);
    if (about.st_mode & 077)
        return fault_set(fault, -EPERM,
                         "secret_file %s: others than its owner may use it (mode %04o): chmod 600 "
                         "%s, and make a new secret if others could read it",
                         path, about.st_mode & 07777, path);
    if (about.st_uid != geteuid() && about.st_uid != 0)
        return fault_set(fault, -EPERM,
                         "secret_file %s: it belongs to another user (%u): give it to the user of "
                         "this node or to root",
                         path, about.st_uid);
    return 0;
}

static int secret_lines(char *text, const char *path, char secrets[TLS_SECRETS_MAX][TLS_SECRET_MAX],
                        struct fault *fault)
{
    int count = 0;
    char *line;
    while ((line = strsep(&text, "\n"))) {
        size_t len = strcspn(line, "\r");
        if (len == 0 || line[0] == '#')
            continue;
        if (count == TLS_SECRETS_MAX || len >= TLS_SECRET_MAX)
            return fault_set(fault, -EINVAL,
                             "secret_file %s: expected one or two lines of at most %d bytes", path,
                             TLS_SECRET_MAX - 1);
        snprintf(secrets[count++], TLS_SECRET_MAX, "%.*s", (int)len, line);
    }
    if (count == 0)
        return fault_set(fault, -EINVAL,
                         "secret_file %s: no secret in it: quorumfs secret new %s makes one", path,
                         path);
    return count;
}

int secret_read(const char *path, char secrets[TLS_SECRETS_MAX][TLS_SECRET_MAX],
                struct fault *fault)
{
    char text[SECRET_FILE_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fault_set(fault, -errno, "secret_file %s: %s%s", path, strerror(errno),
                         errno == ENOENT ? ": quorumfs secret new FILE makes one" : "");
    int status = secret_check_file(fd, path, fault);
    ssize_t len = status == 0 ? read(fd, text, SECRET_FILE_MAX) : 0;
    if (len < 0)
        status = fault_set(fault, -errno, "secret_file %s: %s", path, strerror(errno));
    close(fd);
    if (status < 0)
        return status;
    size_t used = len > 0 && len <= SECRET_FILE_MAX ? (size_t)len : 0;
    text[used] = '\0';
    if (strlen(text) != used || used == SECRET_FILE_MAX)
        return fault_set(fault, -EINVAL, "secret_file %s: not one or two lines of text", path);
    status = secret_lines(text, path, secrets, fault);
    OPENSSL_cleanse(text, sizeof text);
    return status;
}
