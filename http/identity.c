/* As whom a request acts, and what such a user may ask for. */
#include "http_internal.h"

#include <assert.h>
#include <errno.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

enum { SECRET_BYTES = 32 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- Tokens as text ---- */

void http_token_make(char text[HTTP_TOKEN_TEXT_MAX])
{
    uint8_t secret[SECRET_BYTES + 1] = {0}; /* a multiple of three */
    ssize_t got = getrandom(secret, SECRET_BYTES, 0);
    assert(got == SECRET_BYTES); /* of so few bytes, it gives all */
    size_t len = strlen(strcpy(text, HTTP_TOKEN_PREFIX));
    for (size_t i = 0; i < sizeof secret; i += 3) {
        uint32_t three = (uint32_t)secret[i] << 16 | (uint32_t)secret[i + 1] << 8 | secret[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            text[len++] = digits[three >> shift & 63];
    }
    assert(len == HTTP_TOKEN_TEXT_MAX); /* the last digit is that of the byte too much */
    text[HTTP_TOKEN_TEXT_MAX - 1] = 0;
    explicit_bzero(secret, sizeof secret);
}

bool http_token_hash(char *text, uint8_t hash[TOKEN_HASH_BYTES])
{
    size_t len = strlen(text), skip = strlen(HTTP_TOKEN_PREFIX);
    bool fits = len == HTTP_TOKEN_TEXT_MAX - 1 && memcmp(text, HTTP_TOKEN_PREFIX, skip) == 0 &&
                strspn(text + skip, digits) == len - skip;
    if (fits)
        SHA256((const uint8_t *)text, len, hash);
    explicit_bzero(text, len);
    return fits;
}

/* ---- Refusals ---- */

static void refuse_unknown(struct http_request *request, const char *why)
{
    request->answer.field = HTTP_INVALID_TOKEN;
    http_error(request, HTTP_UNAUTHORIZED, (struct bytes){0}, "%s", why);
}

static void refuse_stranger(struct http_request *request)
{
    request->answer.field = "WWW-Authenticate: Bearer realm=\"quorumfs\"";
    http_error(request, HTTP_UNAUTHORIZED, (struct bytes){0},
               "a client of another machine needs a token (Authorization: Bearer TOKEN, see "
               "quorumfs token), unless \"clients_as\" in node.json says as whom it acts");
}

/* ---- Who it is ---- */

/* The user is known: may it ask for this? */
static void take_user(struct http_request *request, struct http_user *user)
{
    enum http_access access = request->route->access;
    if (user->standing == HTTP_USER_STRANGER)
        refuse_stranger(request);
    else if (user->standing == HTTP_USER_REFUSED)
        http_error(request, HTTP_FORBIDDEN, (struct bytes){0}, "%s", user->why);
    else if (access == HTTP_ROOT && !http_user_is_root(user))
        http_error(request, HTTP_FORBIDDEN, (struct bytes){0},
                   "only root of a node's machine may do this, and not by a token");
    else
        request->user = http_user_hold(user);
}

/* False: this node does not know the token. */
static bool take_token(struct http_request *request)
{
    struct http *http = request->http;
    struct tree_token token;
    int status = tree_token_find(replica_tree(http->replica), request->token_hash, &token);
    if (status == -ENOENT)
        return false;
    struct http_user *user = status == 0 ? calloc(1, sizeof *user) : NULL;
    if (!user) {
        http_error_errno(request, status == 0 ? -ENOMEM : status, (struct bytes){0});
        return true;
    }
    *user = (struct http_user){.holders = 1, .caller = token.caller};
    memcpy(user->token, request->token_hash, TOKEN_HASH_BYTES);
    if (http_token_lasts(http, &token))
        take_user(request, user);
    else
        refuse_unknown(request, "the token has expired");
    http_user_leave(user);
    return true;
}

/* Everything that was written before the request is here: a token that is still unknown was
 * removed, or never was. */
static void on_token_confirmed(void *arg, enum replica_outcome outcome,
                               struct replica_freshness freshness)
{
    struct http_request *request = arg;
    bool waited = request->state == HTTP_REQUEST_WAITING;
    request->state = HTTP_REQUEST_RECEIVING;
    request->http->waiting -= waited;
    request->confirming = false;
    if (outcome != REPLICA_DONE)
        http_error_outcome(request, outcome, false, (struct bytes){0});
    else if (!take_token(request))
        refuse_unknown(request, "there is no such token: it was removed, or never was");
    if (waited)
        http_connection_answered(request->connection);
}

/* False: it waits. It may have been added at another node a moment ago. */
static bool confirm_token(struct http_request *request)
{
    request->confirming = true;
    replica_read(request->http->replica, REPLICA_LINEARIZABLE, on_token_confirmed, request);
    if (!request->confirming)
        return true;
    request->state = HTTP_REQUEST_WAITING;
    request->http->waiting++;
    return false;
}

/* Authorization: Bearer TOKEN (RFC 6750, 2.1). Other schemes mean something to a proxy at most. */
static char *bearer_of(struct http_request *request)
{
    char *value = http_head_secret(&request->head, "Authorization");
    size_t len = value ? strcspn(value, " ") : 0;
    if (!value || !http_word_is(bytes_of(value, len), "Bearer"))
        return NULL;
    return value + len + strspn(value + len, " ");
}

static bool identify_by_token(struct http_request *request, char *token)
{
    if (!http_token_hash(token, request->token_hash))
        refuse_unknown(request, "Authorization must be Bearer and a token that quorumfs has given");
    else if (!take_token(request))
        return confirm_token(request);
    return true;
}

bool http_identify(struct http_request *request)
{
    struct http_connection *c = request->connection;
    if (request->state == HTTP_REQUEST_WAITING)
        return false;
    if (request->user || request->state == HTTP_REQUEST_ANSWERED)
        return true;
    assert(request->state == HTTP_REQUEST_RECEIVING);
    char *token = bearer_of(request);
    if (request->route->access == HTTP_OPEN)
        take_user(request, http_user_nobody());
    else if (token)
        return identify_by_token(request, token);
    else if (c->user)
        take_user(request, c->user);
    return request->user || request->state == HTTP_REQUEST_ANSWERED;
}
