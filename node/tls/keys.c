/* What counts at the moment, and reading it again when a file has changed. */
#include "tls/context.h"

#include "base/trace.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEYS_FILES = 4, KEYS_PATH_MAX = 4096 };

struct keys_file {
    char path[KEYS_PATH_MAX]; /* empty: none */
    struct stat seen;         /* zeros: it is not there */
};

struct tls {
    uv_loop_t *loop;
    struct credentials *credentials;
    struct keys_file files[KEYS_FILES]; /* secret_file, tls_cert, tls_key, tls_ca */
    char secret[TLS_SECRET_MAX];
    uv_timer_t timer;
    uint32_t refs; /* credentials that sessions use, the timer, and the work under way */
    bool stopping;

    /* Under way in the pool: nothing else is touched there. */
    bool reading, again;
    uv_work_t work;
    struct tls_config config;
    struct credentials *read;
    int status;
    struct fault fault;
};

static void keys_unref(struct tls *tls)
{
    assert(tls->refs > 0);
    if (--tls->refs > 0)
        return;
    if (--tls->credentials->refs == 0)
        credentials_free(tls->credentials);
    OPENSSL_cleanse(tls->secret, sizeof tls->secret);
    free(tls);
}

struct credentials *tls_credentials(struct tls *tls)
{
    tls->refs++;
    tls->credentials->refs++;
    return tls->credentials;
}

void tls_release(struct tls *tls, struct credentials *credentials)
{
    if (--credentials->refs == 0)
        credentials_free(credentials);
    keys_unref(tls);
}

/* ---- Reading again ---- */

static void keys_look(struct keys_file *file, struct stat *about)
{
    memset(about, 0, sizeof *about);
    if (file->path[0] && stat(file->path, about) < 0)
        memset(about, 0, sizeof *about);
}

static bool keys_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mode == b->st_mode &&
           a->st_uid == b->st_uid && memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0 &&
           memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

static void keys_read(uv_work_t *work)
{
    struct tls *tls = work->data;
    tls->status = credentials_read(&tls->config, &tls->read, &tls->fault);
}

static void keys_read_done(uv_work_t *work, int cancelled)
{
    struct tls *tls = work->data;
    tls->reading = false;
    if (tls->status < 0) {
        trace_warn("tls", "%s: what was read before stays in use", tls->fault.text);
    } else {
        if (--tls->credentials->refs == 0)
            credentials_free(tls->credentials);
        tls->credentials = tls->read;
        trace_info("tls", "secrets and certificates were read again: %u secret%s",
                   tls->credentials->secret_count, tls->credentials->secret_count == 1 ? "" : "s");
    }
    if (tls->again && !tls->stopping)
        tls_reload(tls);
    keys_unref(tls);
}

void tls_reload(struct tls *tls)
{
    tls->again = tls->reading;
    if (tls->reading || tls->stopping)
        return;
    for (int i = 0; i < KEYS_FILES; i++)
        keys_look(&tls->files[i], &tls->files[i].seen);
    tls->reading = true;
    tls->refs++;
    tls->work.data = tls;
    uv_queue_work(tls->loop, &tls->work, keys_read, keys_read_done);
}

static void keys_on_timer(uv_timer_t *timer)
{
    struct tls *tls = timer->data;
    bool changed = false;
    for (int i = 0; i < KEYS_FILES; i++) {
        struct stat about;
        keys_look(&tls->files[i], &about);
        changed |= !keys_same(&about, &tls->files[i].seen);
    }
    if (changed)
        tls_reload(tls);
}

/* ---- Start and stop ---- */

static int keys_copy(struct tls *tls, const struct tls_config *config, struct fault *fault)
{
    const char *const paths[KEYS_FILES] = {config->secret_file, config->cert, config->key,
                                           config->ca};
    for (int i = 0; i < KEYS_FILES; i++) {
        if (strlen(paths[i]) >= KEYS_PATH_MAX)
            return fault_set(fault, -EINVAL, "%.60s...: the path is too long", paths[i]);
        strcpy(tls->files[i].path, paths[i]);
        keys_look(&tls->files[i], &tls->files[i].seen);
    }
    snprintf(tls->secret, sizeof tls->secret, "%s", config->secret);
    tls->config = (struct tls_config){.secret = tls->secret,
                                      .secret_file = tls->files[0].path,
                                      .cert = tls->files[1].path,
                                      .key = tls->files[2].path,
                                      .ca = tls->files[3].path};
    return 0;
}

int tls_start(uv_loop_t *loop, const struct tls_config *config, struct tls **out,
              struct fault *fault)
{
    *out = NULL;
    if (!config->secret[0] && !config->secret_file[0] && !config->cert[0])
        return 0;
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return fault_set(fault, -ENOMEM, "out of memory");
    int status = keys_copy(tls, config, fault);
    if (status == 0)
        status = credentials_read(&tls->config, &tls->credentials, fault);
    if (status < 0) {
        free(tls);
        return status;
    }
    tls->loop = loop;
    tls->refs = 1;
    uv_timer_init(loop, &tls->timer);
    tls->timer.data = tls;
    uv_timer_start(&tls->timer, keys_on_timer, TLS_RELOAD_MS, TLS_RELOAD_MS);
    uv_unref((uv_handle_t *)&tls->timer);
    *out = tls;
    return 0;
}

static void keys_timer_closed(uv_handle_t *handle)
{
    keys_unref(handle->data);
}

void tls_stop(struct tls *tls)
{
    if (!tls || tls->stopping)
        return;
    tls->stopping = true;
    uv_close((uv_handle_t *)&tls->timer, keys_timer_closed);
}

/* ---- What there is ---- */

bool tls_has_nodes(const struct tls *tls)
{
    return tls && (tls->credentials->secret_count > 0 || tls->credentials->has_ca);
}

bool tls_has_clients(const struct tls *tls)
{
    return tls && tls->credentials->has_cert;
}

uint32_t tls_secret_count(const struct tls *tls)
{
    return tls ? tls->credentials->secret_count : 0;
}

uint32_t tls_way_count(const struct tls *tls)
{
    return tls ? tls->credentials->secret_count + (tls->credentials->has_ca ? 1 : 0) : 0;
}

/* ---- Codes ---- */

int tls_mac(const struct tls *tls, uint32_t secret, uint32_t from, uint32_t to, struct bytes bytes,
            uint8_t mac[TLS_MAC_BYTES])
{
    uint8_t key[TLS_KEY_BYTES];
    char info[64];
    if (secret >= tls_secret_count(tls))
        return -ENOENT;
    snprintf(info, sizeof info, "quorumfs 1 frames of %u for %u", from, to);
    int status = context_derive(tls->credentials->secrets[secret].relay, bytes_of_text(info), key);
    if (status == 0)
        status = context_mac(key, bytes, mac);
    OPENSSL_cleanse(key, sizeof key);
    return status;
}

bool tls_mac_is_right(const struct tls *tls, uint32_t from, uint32_t to, struct bytes bytes,
                      const uint8_t mac[TLS_MAC_BYTES])
{
    uint8_t expected[TLS_MAC_BYTES];
    bool right = false;
    for (uint32_t i = 0; i < tls_secret_count(tls); i++)
        right |= tls_mac(tls, i, from, to, bytes, expected) == 0 &&
                 CRYPTO_memcmp(expected, mac, TLS_MAC_BYTES) == 0;
    return right;
}
