#include "tls/context.h"

#include "base/trace.h"
#include "tls/secret.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

/* SHA-256, as HKDF and the codes have it. */
static const unsigned char psk_cipher[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */

/* ---- Keys ---- */

int context_derive(const uint8_t key[TLS_KEY_BYTES], struct bytes info,
                   uint8_t derived[TLS_KEY_BYTES])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, TLS_KEY_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.data, info.len),
        OSSL_PARAM_construct_end()};
    int good = context && EVP_KDF_derive(context, derived, TLS_KEY_BYTES, params) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return good ? 0 : -EIO;
}

int context_mac(const uint8_t key[TLS_KEY_BYTES], struct bytes bytes, uint8_t mac[TLS_MAC_BYTES])
{
    uint8_t whole[EVP_MAX_MD_SIZE];
    unsigned len;
    if (!HMAC(EVP_sha256(), key, TLS_KEY_BYTES, bytes.data, bytes.len, whole, &len))
        return -EIO;
    memcpy(mac, whole, TLS_MAC_BYTES);
    return 0;
}

static int derive_keys(const char *text, struct secret_keys *keys, struct fault *fault)
{
    uint8_t key[TLS_KEY_BYTES];
    int status = secret_key(text, key, fault);
    if (status < 0)
        return status;
    if (!tls_secret_is_made(text) && strlen(text) < TLS_SECRET_SHORT)
        trace_warn("tls", "the cluster's secret is short, and can be guessed by who records a "
                          "connection or poses as a node: quorumfs secret new makes a good one");
    if (context_derive(key, bytes_of_text("quorumfs 1 handshake"), keys->psk) < 0 ||
        context_derive(key, bytes_of_text("quorumfs 1 identity"), keys->identity) < 0 ||
        context_derive(key, bytes_of_text("quorumfs 1 relay"), keys->relay) < 0)
        status = fault_set(fault, -EIO, "the secret: OpenSSL has no HKDF");
    OPENSSL_cleanse(key, sizeof key);
    return status;
}

/* ---- The pre-shared key in a handshake ---- */

static SSL_SESSION *make_psk(SSL *ssl, const struct secret_keys *keys)
{
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, psk_cipher);
    if (session && cipher && SSL_SESSION_set1_master_key(session, keys->psk, TLS_KEY_BYTES) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1)
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

/* A random number and its code by the secret: so the name of a secret is another one each time. */
static bool is_name_of(const struct secret_keys *keys, const unsigned char *identity)
{
    uint8_t mac[TLS_MAC_BYTES];
    return context_mac(keys->identity, bytes_of(identity, CONTEXT_NONCE_BYTES), mac) == 0 &&
           CRYPTO_memcmp(mac, identity + CONTEXT_NONCE_BYTES, TLS_MAC_BYTES) == 0;
}

static int find_psk(SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **found)
{
    struct context_peer *peer = SSL_get_app_data(ssl);
    *found = NULL;
    if (!peer->claims_node || len != CONTEXT_IDENTITY_BYTES)
        return 1;
    for (uint32_t i = 0; i < peer->credentials->secret_count && !*found; i++) {
        const struct secret_keys *keys = &peer->credentials->secrets[i];
        if (!is_name_of(keys, identity))
            continue;
        *found = make_psk(ssl, keys);
        peer->has_secret = *found;
        return *found ? 1 : 0;
    }
    return peer->credentials->has_ca ? 1 : 0; /* it may still have a certificate */
}

static int use_psk(SSL *ssl, const EVP_MD *md, const unsigned char **identity, size_t *len,
                   SSL_SESSION **used)
{
    /* OpenSSL copies it before anything else runs on this thread. */
    static unsigned char name[CONTEXT_IDENTITY_BYTES];
    struct context_peer *peer = SSL_get_app_data(ssl);
    *used = NULL;
    *len = 0;
    if (peer->way >= peer->credentials->secret_count)
        return 1;
    const struct secret_keys *keys = &peer->credentials->secrets[peer->way];
    if (md && !EVP_MD_is_a(md, "SHA256"))
        return 1;
    if (RAND_bytes(name, CONTEXT_NONCE_BYTES) != 1 ||
        context_mac(keys->identity, bytes_of(name, CONTEXT_NONCE_BYTES),
                    name + CONTEXT_NONCE_BYTES) < 0)
        return 0;
    *used = make_psk(ssl, keys);
    *identity = name;
    *len = sizeof name;
    return *used ? 1 : 0;
}

/* ---- Nodes and clients come to the same port ---- */

/* Whether the extension of a ClientHello names nothing but the protocol of nodes. */
static bool names_node(const unsigned char *list, size_t len)
{
    const size_t name = strlen(CONTEXT_ALPN);
    return len == name + 3 && list[0] == 0 && list[1] == name + 1 && list[2] == name &&
           memcmp(list + 3, CONTEXT_ALPN, name) == 0;
}

/* Before anything is computed: the strictness follows from who it says that it is. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
    struct context_peer *peer = SSL_get_app_data(ssl);
    const unsigned char *list;
    size_t len;
    peer->claims_node =
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &list,
                                  &len) == 1 &&
        names_node(list, len);
    if (peer->claims_node) {
        bool has_psk = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &list, &len) == 1;
        *alert = SSL_AD_HANDSHAKE_FAILURE;
        if (!has_psk && !peer->credentials->has_ca)
            return SSL_CLIENT_HELLO_ERROR;
        SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
        SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    return peer->credentials->has_cert ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char node[] = "\x0a" CONTEXT_ALPN, http[] = "\x08http/1.1";
    const struct context_peer *peer = SSL_get_app_data(ssl);
    const unsigned char *mine = peer->claims_node ? node : http;
    unsigned len = peer->claims_node ? sizeof node - 1 : sizeof http - 1;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, mine, len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void context_error(char *text, size_t size)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;
    snprintf(text, size, "%s", reason ? reason : "unknown error");
    ERR_clear_error();
}

static int fault_openssl(struct fault *fault, const char *field, const char *path)
{
    char text[160];
    context_error(text, sizeof text);
    return fault_set(fault, -EINVAL, "%s %s: %s", field, path, text);
}

static int load_certificate(SSL_CTX *context, const struct tls_config *config, struct fault *fault)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, config->cert) != 1)
        return fault_openssl(fault, "tls_cert", config->cert);
    if (SSL_CTX_use_PrivateKey_file(context, config->key, SSL_FILETYPE_PEM) != 1)
        return fault_openssl(fault, "tls_key", config->key);
    if (SSL_CTX_check_private_key(context) != 1)
        return fault_set(fault, -EINVAL, "tls_key %s: not the key of the certificate %s",
                         config->key, config->cert);
    return 0;
}

static int load_files(SSL_CTX *context, const struct tls_config *config, struct fault *fault)
{
    int status = config->cert[0] ? load_certificate(context, config, fault) : 0;
    if (status == 0 && config->ca[0] && SSL_CTX_load_verify_file(context, config->ca) != 1)
        status = fault_openssl(fault, "tls_ca", config->ca);
    return status;
}

/* No session is resumed: each handshake proves everything anew. */
static void set_common(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_max_early_data(context, 0);
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
}

static int make_contexts(struct credentials *c, const struct tls_config *config,
                         struct fault *fault)
{
    static const unsigned char node[] = "\x0a" CONTEXT_ALPN;
    c->server = SSL_CTX_new(TLS_server_method());
    c->client = SSL_CTX_new(TLS_client_method());
    if (!c->server || !c->client)
        return fault_set(fault, -ENOMEM, "OpenSSL does not start");
    set_common(c->server);
    set_common(c->client);
    SSL_CTX_set_min_proto_version(c->server, TLS1_2_VERSION);
    SSL_CTX_set_min_proto_version(c->client, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(c->client, "TLS_AES_128_GCM_SHA256");
    /* OpenSSL wants one where it asks for certificates, though no session is ever resumed. */
    SSL_CTX_set_session_id_context(c->server, node, sizeof node - 1);
    SSL_CTX_set_client_hello_cb(c->server, on_hello, NULL);
    SSL_CTX_set_alpn_select_cb(c->server, select_alpn, NULL);
    SSL_CTX_set_psk_find_session_callback(c->server, find_psk);
    SSL_CTX_set_psk_use_session_callback(c->client, use_psk);
    SSL_CTX_set_alpn_protos(c->client, node, sizeof node - 1);
    SSL_CTX_set_verify(c->client, SSL_VERIFY_PEER, NULL);
    int status = load_files(c->server, config, fault);
    if (status == 0)
        status = load_files(c->client, config, fault);
    return status;
}

static int read_secrets(const struct tls_config *config, struct credentials *c, struct fault *fault)
{
    char secrets[TLS_SECRETS_MAX][TLS_SECRET_MAX];
    int count = 0, status = 0;
    if (config->secret_file[0]) {
        count = secret_read(config->secret_file, secrets, fault);
    } else if (config->secret[0]) {
        snprintf(secrets[0], TLS_SECRET_MAX, "%s", config->secret);
        count = 1;
    }
    for (int i = 0; status == 0 && i < count; i++)
        status = derive_keys(secrets[i], &c->secrets[i], fault);
    OPENSSL_cleanse(secrets, sizeof secrets);
    c->secret_count = count > 0 ? (uint32_t)count : 0;
    return count < 0 ? count : status;
}

int credentials_read(const struct tls_config *config, struct credentials **out, struct fault *fault)
{
    struct credentials *c = calloc(1, sizeof *c);
    if (!c)
        return fault_set(fault, -ENOMEM, "out of memory");
    c->refs = 1;
    c->has_cert = config->cert[0];
    c->has_ca = config->ca[0];
    int status = read_secrets(config, c, fault);
    if (status == 0)
        status = make_contexts(c, config, fault);
    if (status < 0) {
        credentials_free(c);
        return status;
    }
    *out = c;
    return 0;
}

void credentials_free(struct credentials *credentials)
{
    SSL_CTX_free(credentials->server);
    SSL_CTX_free(credentials->client);
    OPENSSL_cleanse(credentials, sizeof *credentials);
    free(credentials);
}
