#include "tls/session.h"

#include "tls/context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_session {
    int fd;
    SSL *ssl; /* NULL: plain */
    struct tls *tls;
    struct credentials *credentials;
    struct context_peer peer;
    int wants;
    bool broken; /* OpenSSL must not be called any more */
    bool dials;
    bool done; /* the handshake */
    char why[TLS_SESSION_WHY_MAX];
};

static struct tls_session *tls_session_make(struct tls *tls, int fd, bool dials)
{
    struct tls_session *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->fd = fd;
    s->dials = dials;
    s->wants = dials ? UV_WRITABLE : UV_READABLE;
    if (!tls)
        return s;
    s->tls = tls;
    s->credentials = tls_credentials(tls);
    s->ssl = SSL_new(dials ? s->credentials->client : s->credentials->server);
    if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1) {
        tls_session_free(s);
        return NULL;
    }
    s->peer.credentials = s->credentials;
    SSL_set_app_data(s->ssl, &s->peer);
    if (dials)
        SSL_set_connect_state(s->ssl);
    else
        SSL_set_accept_state(s->ssl);
    return s;
}

/* The certificate must have the address, or the name, that was dialled. */
static bool tls_session_expects(struct tls_session *s, const char *host)
{
    uint8_t ip[16];
    X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
    if (inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
           SSL_set_tlsext_host_name(s->ssl, host) == 1;
}

struct tls_session *tls_session_dial(struct tls *tls, int fd, uint32_t way, const char *host)
{
    struct tls_session *s = tls_session_make(tls, fd, true);
    if (!s || !tls)
        return s;
    s->peer.way = way;
    if (tls_session_expects(s, host))
        return s;
    tls_session_free(s);
    return NULL;
}

struct tls_session *tls_session_accept(struct tls *tls, int fd)
{
    return tls_session_make(tls, fd, false);
}

void tls_session_free(struct tls_session *s)
{
    SSL_free(s->ssl);
    if (s->credentials)
        tls_release(s->tls, s->credentials);
    free(s);
}

/* What the last call of OpenSSL came to. */
static int tls_session_failed(struct tls_session *s, int result)
{
    int error = errno;
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        s->wants = UV_READABLE;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        s->wants = UV_WRITABLE;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return -EPIPE;
    case SSL_ERROR_SYSCALL:
        s->broken = true;
        snprintf(s->why, sizeof s->why, "%s", error ? strerror(error) : "the other end has closed");
        return error ? -error : -ECONNRESET;
    default:
        s->broken = true;
        context_error(s->why, sizeof s->why);
        return -EPROTO;
    }
}

static bool tls_session_is_node(const struct tls_session *s)
{
    X509 *cert = SSL_get0_peer_certificate(s->ssl);
    if (s->dials && s->peer.way < s->credentials->secret_count)
        return SSL_session_reused(s->ssl);
    if (!s->dials && !s->peer.claims_node)
        return false;
    if (!s->dials && s->peer.has_secret && SSL_session_reused(s->ssl))
        return true;
    return s->credentials->has_ca && cert && SSL_get_verify_result(s->ssl) == X509_V_OK;
}

int tls_session_handshake(struct tls_session *s)
{
    if (!s->ssl || s->done)
        return 0;
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(s->ssl);
    if (result != 1) {
        int status = tls_session_failed(s, result);
        if (s->broken && status != -EPROTO)
            return -EPROTO;
        return status;
    }
    /* Whoever dials, or says that it is a node, must be one. */
    if ((s->dials || s->peer.claims_node) && !tls_session_is_node(s)) {
        snprintf(s->why, sizeof s->why, "it did not prove that it is a node");
        return -EPROTO;
    }
    s->done = true;
    return 0;
}

const char *tls_session_why(const struct tls_session *s)
{
    return s->why[0] ? s->why : "failed";
}

bool tls_session_claims_node(const struct tls_session *s)
{
    return s->peer.claims_node;
}

enum tls_who tls_session_who(const struct tls_session *s)
{
    if (!s->ssl || !s->done)
        return TLS_NOBODY;
    return tls_session_is_node(s) ? TLS_NODE : TLS_CLIENT;
}

static ssize_t tls_session_plain(struct tls_session *s, ssize_t result, int wants)
{
    if (result >= 0)
        return result;
    s->wants = wants;
    return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

ssize_t tls_session_read(struct tls_session *s, void *data, size_t len)
{
    size_t got;
    if (!s->ssl)
        return tls_session_plain(s, recv(s->fd, data, len, 0), UV_READABLE);
    if (s->broken)
        return -EPROTO;
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(s->ssl, data, len, &got);
    if (result == 1)
        return (ssize_t)got;
    if (SSL_get_error(s->ssl, result) == SSL_ERROR_ZERO_RETURN)
        return 0;
    return tls_session_failed(s, result);
}

ssize_t tls_session_write(struct tls_session *s, const void *data, size_t len)
{
    size_t written;
    if (!s->ssl)
        return tls_session_plain(s, send(s->fd, data, len, MSG_NOSIGNAL), UV_WRITABLE);
    if (s->broken)
        return -EPROTO;
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(s->ssl, data, len, &written);
    return result == 1 ? (ssize_t)written : tls_session_failed(s, result);
}

/* The half-close of TCP follows close_notify: others than OpenSSL look for that one only. */
int tls_session_end(struct tls_session *s)
{
    if (s->ssl && !s->broken && s->done) {
        ERR_clear_error();
        errno = 0;
        int result = SSL_shutdown(s->ssl);
        int status = result < 0 ? tls_session_failed(s, result) : 0;
        if (status == -EAGAIN && s->wants == UV_WRITABLE)
            return status;
    }
    return shutdown(s->fd, SHUT_WR) < 0 ? -errno : 0;
}

int tls_session_wants(const struct tls_session *s)
{
    return s->wants;
}
