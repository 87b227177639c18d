/* Private to the room: as whom requests act.
 *
 * The user of a connection is found once, when it begins (users.c): root, nobody and those whose
 * groups are known at once; for others the groups are looked up in the user database, in libuv's
 * pool and one user at a time, since that can take long. Meanwhile only such connections wait. A
 * token takes the place of that user for its own request, or its WebSocket (identity.c).
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_HTTP_USER_H
#define QUORUMFS_HTTP_USER_H

#include "base/owner.h"
#include "command/caller.h"
#include "store/tree.h"
#include "work.h"

enum {
    HTTP_GROUPS_MS = 10000,   /* so long the groups of a user are kept, */
    HTTP_GROUPS_USERS = 256,  /* of so many users */
    HTTP_TOKEN_TEXT_MAX = 49, /* HTTP_TOKEN_PREFIX, 32 bytes in base64url, and the NUL */
};
#define HTTP_TOKEN_PREFIX "qfst_"
/* RFC 6750, 3.1 */
#define HTTP_INVALID_TOKEN "WWW-Authenticate: Bearer realm=\"quorumfs\", error=\"invalid_token\""

struct http_connection;
struct http_request;

enum http_standing {
    HTTP_USER_KNOWN,
    HTTP_USER_STRANGER, /* of another machine: a token is needed */
    HTTP_USER_REFUSED,  /* for the reason `why` */
};

/* Shared by all that act as this user. */
struct http_user {
    uint32_t holders; /* 0: it stays */
    enum http_standing standing;
    const char *why;
    struct caller caller;
    uint8_t token[TOKEN_HASH_BYTES]; /* the hash, if the caller has come by a token */
};

TAILQ_HEAD(http_user_waits, http_connection);
struct http_kept_user;
TAILQ_HEAD(http_kept_users, http_kept_user);

/* The users of all connections. */
struct http_users {
    struct http_user_waits waiting;
    struct http_kept_users kept; /* the oldest first */
    uint32_t kept_count;
    struct http_user *others; /* for `clients_as`; NULL: it is a named user, or none */
    bool looking;             /* the job runs, */
    uint32_t uid;             /* for this user, */
    struct http_user *found;  /* and gives this one */
    struct http_job job;
};

int http_users_start(struct http *http); /* 0 or -ENOMEM */
/* Forgets all users; nobody waits any more. */
void http_users_free(struct http *http);

/* Finds the user of a connection, which becomes its `user`; if that must be looked up, it is NULL
 * until http_connection_user_found. */
void http_user_find(struct http_connection *connection, const struct owner *owner);
/* The connection waits for it no longer. */
void http_user_give_up(struct http_connection *connection);

struct http_user *http_user_nobody(void);
struct http_user *http_user_hold(struct http_user *user);
void http_user_leave(struct http_user *user); /* NULL is fine */

/* Whether nothing is checked for this user. */
static inline bool http_user_is_root(const struct http_user *user)
{
    return caller_is_root(&user->caller);
}

/* Whether its token, if it has come by one, is still valid, as far as this node knows. */
bool http_user_holds(struct http *http, const struct http_user *user);

/* Whether its time is not over. */
bool http_token_lasts(struct http *http, const struct tree_token *token);

/* ---- Of a request (identity.c) ---- */

/* Finds as whom an admitted request acts, and whether such a user may ask for its route. False:
 * that is not known yet; http_connection_answered tells when to call again. Otherwise the request
 * has its `user`, or its answer. */
bool http_identify(struct http_request *request);

/* Makes the hash of a token, and wipes its text. False: no token can have this text. */
bool http_token_hash(char *text, uint8_t hash[TOKEN_HASH_BYTES]);
/* Makes a new token. */
void http_token_make(char text[HTTP_TOKEN_TEXT_MAX]);

#endif
