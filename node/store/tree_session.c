/* Exactly once: what became of the commands of each node, until the node says that it knows.
 *
 * A session keeps the results of the sequences from `lowest` on, at most TREE_SESSION_WINDOW of
 * them, in pages. While the tree is open, the pages in memory count; tree_commit stores those that
 * changed, a row each, in the transaction that holds what the commands did. So a command costs no
 * row of its own, and a page that is no longer needed at the commit is never written. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_RESULTS = 64,
    PAGES = TREE_SESSION_WINDOW / PAGE_RESULTS + 1, /* a window need not begin with a page */
};

struct page {
    uint64_t number; /* sequence / PAGE_RESULTS */
    bool dirty;
    struct buffer results[PAGE_RESULTS]; /* empty: none */
};

struct session {
    LIST_ENTRY(session) entry;
    uint32_t node;
    uint64_t incarnation;
    uint64_t lowest;
    bool dirty;
    struct page *pages[PAGES]; /* page n at n % PAGES */
};

static void page_free(struct page *page)
{
    if (!page)
        return;
    for (int i = 0; i < PAGE_RESULTS; i++)
        buffer_free(&page->results[i]);
    free(page);
}

/* NULL: it has no results, and its place may have another page. */
static struct page *page_of(const struct session *session, uint64_t number)
{
    struct page *page = session->pages[number % PAGES];
    return page && page->number == number ? page : NULL;
}

static void session_clear(struct session *session)
{
    for (int i = 0; i < PAGES; i++) {
        page_free(session->pages[i]);
        session->pages[i] = NULL;
    }
}

void session_forget(struct tree *tree)
{
    struct session *session;
    while ((session = LIST_FIRST(&tree->sessions))) {
        LIST_REMOVE(session, entry);
        session_clear(session);
        free(session);
    }
}

static struct session *session_find(struct tree *tree, uint32_t node)
{
    struct session *session;
    LIST_FOREACH(session, &tree->sessions, entry)
    {
        if (session->node == node)
            return session;
    }
    return NULL;
}

/* NULL: out of memory. */
static struct session *session_add(struct tree *tree, uint32_t node)
{
    struct session *added = calloc(1, sizeof *added);
    if (!added)
        return NULL;
    added->node = node;
    LIST_INSERT_HEAD(&tree->sessions, added, entry);
    return added;
}

/* Empty if no result of the sequence is kept. */
static struct bytes session_result(const struct session *session, uint64_t sequence)
{
    struct page *page = page_of(session, sequence / PAGE_RESULTS);
    if (!page || sequence < session->lowest)
        return (struct bytes){0};
    struct buffer *result = &page->results[sequence % PAGE_RESULTS];
    return bytes_of(result->data, result->len);
}

/* The node does not ask any more for results below `lowest`. */
static void session_raise(struct session *session, uint64_t lowest)
{
    uint64_t from = session->lowest / PAGE_RESULTS;
    uint64_t to = lowest / PAGE_RESULTS;
    if (lowest <= session->lowest)
        return;
    assert(to >= from);
    if (to - from > PAGES)
        to = from + PAGES; /* more are not there */
    for (uint64_t n = from; n < to; n++) {
        page_free(session->pages[n % PAGES]);
        session->pages[n % PAGES] = NULL;
    }
    session->lowest = lowest;
}

/* The node has started again: it has forgotten what it asked for, and what it held. */
static int session_begin(struct change *c, struct session *session, uint64_t incarnation)
{
    assert(incarnation > session->incarnation);
    session_clear(session);
    session->incarnation = incarnation;
    session->lowest = 0;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_RESULT_CUT);
    bind_number(query, 1, session->node);
    bind_number(query, 2, INT64_MAX);
    int status = tree_run(c->tree, query);
    if (status == 0)
        status = locks_end_session(c, session->node);
    return status < 0 ? status : inode_release_all(c, session->node);
}

/* The command took effect before; its result then is its result now. */
static int session_repeat(struct change *c, struct bytes stored, enum session_verdict *verdict)
{
    int status = result_decode(stored, c->result);
    *verdict = SESSION_REPEATED;
    if (status == -ENOMEM)
        return tree_fail(c->tree, status, "out of memory for a stored result");
    return status < 0 ? tree_damaged(c->tree, "a stored result cannot be read") : 0;
}

int session_enter(struct change *c, const struct stamp *stamp, enum session_verdict *verdict)
{
    struct session *session = session_find(c->tree, stamp->node);
    int status = 0;
    *verdict = SESSION_IGNORED;
    c->result->status = -ESTALE;
    if (stamp->sequence < stamp->lowest)
        return 0;
    if (!session)
        session = session_add(c->tree, stamp->node);
    if (!session)
        return tree_fail(c->tree, -ENOMEM, "out of memory for a session");
    if (stamp->incarnation < session->incarnation)
        return 0;
    session->dirty = true;
    if (stamp->incarnation > session->incarnation)
        status = session_begin(c, session, stamp->incarnation);
    if (status < 0 || stamp->sequence < session->lowest)
        return status;
    session_raise(session, stamp->lowest);
    struct bytes stored = session_result(session, stamp->sequence);
    if (stored.len > 0)
        return session_repeat(c, stored, verdict);
    if (stamp->sequence - session->lowest >= TREE_SESSION_WINDOW) {
        c->result->status = -EAGAIN;
        return 0;
    }
    c->result->status = 0;
    *verdict = SESSION_NEW;
    return 0;
}

/* The page, made if it is missing. NULL: out of memory. */
static struct page *page_make(struct session *session, uint64_t number)
{
    struct page **place = &session->pages[number % PAGES];
    if (!*place) {
        *place = calloc(1, sizeof **place);
        if (*place)
            (*place)->number = number;
    }
    assert(!*place || (*place)->number == number);
    return *place;
}

int session_keep(struct tree *tree, const struct stamp *stamp, const struct command_result *result)
{
    struct session *session = session_find(tree, stamp->node);
    struct page *page = page_make(session, stamp->sequence / PAGE_RESULTS);
    struct buffer *place = page ? &page->results[stamp->sequence % PAGE_RESULTS] : NULL;
    assert(stamp->sequence >= session->lowest);
    assert(stamp->sequence - session->lowest < TREE_SESSION_WINDOW);
    assert(session->incarnation == stamp->incarnation);
    if (!place)
        return tree_fail(tree, -ENOMEM, "out of memory for a result");
    assert(place->len == 0);
    result_encode(result, place);
    page->dirty = true;
    return place->failed ? tree_fail(tree, -ENOMEM, "out of memory for a result") : 0;
}

int tree_recall(struct tree *tree, uint32_t node, uint64_t incarnation, uint64_t sequence,
                struct command_result *result)
{
    const struct session *session = session_find(tree, node);
    struct bytes stored = {0};
    if (session && session->incarnation == incarnation)
        stored = session_result(session, sequence);
    if (stored.len == 0)
        return -ENOENT;
    return result_decode(stored, result) == -ENOMEM ? -ENOMEM : 0;
}

/* ---- On disk: a page is each of its results as number in the page u8 | length u32 | bytes ---- */

static int page_store(struct tree *tree, const struct session *session, struct page *page,
                      struct buffer *bytes)
{
    assert(page_of(session, page->number) == page);
    bytes->len = 0;
    for (int i = 0; i < PAGE_RESULTS; i++) {
        const struct buffer *result = &page->results[i];
        if (result->len == 0)
            continue;
        buffer_put_u8(bytes, (uint8_t)i);
        buffer_put_bytes(bytes, bytes_of(result->data, result->len));
    }
    if (bytes->failed)
        return tree_fail(tree, -ENOMEM, "out of memory for results");
    page->dirty = false;
    sqlite3_stmt *query = tree_query(tree, QUERY_RESULT_SET);
    bind_number(query, 1, session->node);
    bind_number(query, 2, page->number);
    sql_bind_bytes(query, 3, bytes_of(bytes->data, bytes->len));
    return tree_run(tree, query);
}

/* The session's row and its changed pages; pages below `lowest` are deleted. `bytes` is room that
 * the pages share. */
static int session_write(struct tree *tree, struct session *session, struct buffer *bytes)
{
    session->dirty = false;
    sqlite3_stmt *row = tree_query(tree, QUERY_SESSION_SET);
    bind_number(row, 1, session->node);
    bind_number(row, 2, session->incarnation);
    bind_number(row, 3, session->lowest);
    int status = tree_run(tree, row);
    if (status < 0)
        return status;
    sqlite3_stmt *cut = tree_query(tree, QUERY_RESULT_CUT);
    bind_number(cut, 1, session->node);
    bind_number(cut, 2, session->lowest / PAGE_RESULTS);
    status = tree_run(tree, cut);
    for (int i = 0; status == 0 && i < PAGES; i++) {
        if (session->pages[i] && session->pages[i]->dirty)
            status = page_store(tree, session, session->pages[i], bytes);
    }
    return status;
}

int session_store(struct tree *tree)
{
    struct buffer bytes = {0};
    struct session *session;
    int status = 0;
    LIST_FOREACH(session, &tree->sessions, entry)
    {
        if (status == 0 && session->dirty)
            status = session_write(tree, session, &bytes);
    }
    buffer_free(&bytes);
    return status;
}

/* Whether a page can hold results of the window that begins at `lowest`. */
static bool page_fits(uint64_t lowest, uint64_t number)
{
    return number >= lowest / PAGE_RESULTS && number - lowest / PAGE_RESULTS < PAGES;
}

static int page_load(struct session *session, uint64_t number, struct bytes bytes)
{
    struct reader r = reader_of(bytes);
    struct page *page = page_make(session, number);
    if (!page)
        return -ENOMEM;
    while (reader_left(&r) > 0) {
        uint8_t i = reader_u8(&r);
        struct bytes result = reader_bytes(&r);
        if (r.bad || i >= PAGE_RESULTS)
            return -EUCLEAN;
        buffer_append(&page->results[i], result.data, result.len);
        if (page->results[i].failed)
            return -ENOMEM;
    }
    return 0;
}

static int sessions_load(struct tree *tree)
{
    sqlite3_stmt *query;
    int status = sql_prepare(&tree->sql, "SELECT node, incarnation, lowest FROM session", &query);
    if (status < 0)
        return status;
    while ((status = sql_step(&tree->sql, query)) > 0) {
        struct session *session = session_add(tree, (uint32_t)column_number(query, 0));
        if (!session) {
            status = fault_set(&tree->sql.fault, -ENOMEM, "%s: out of memory", TREE_FILE);
            break;
        }
        session->incarnation = column_number(query, 1);
        session->lowest = column_number(query, 2);
    }
    sqlite3_finalize(query);
    return status;
}

static int pages_load(struct tree *tree)
{
    sqlite3_stmt *query;
    int status = sql_prepare(&tree->sql, "SELECT node, page, bytes FROM result", &query);
    if (status < 0)
        return status;
    while ((status = sql_step(&tree->sql, query)) > 0) {
        struct session *session = session_find(tree, (uint32_t)column_number(query, 0));
        uint64_t number = column_number(query, 1);
        bool fits = session && page_fits(session->lowest, number);
        status = fits ? page_load(session, number, sql_column_bytes(query, 2)) : -EUCLEAN;
        if (status < 0) {
            if (status == -ENOMEM)
                fault_set(&tree->sql.fault, status, "%s: out of memory", TREE_FILE);
            else
                sql_damaged(&tree->sql, "its stored results cannot be read");
            break;
        }
    }
    sqlite3_finalize(query);
    return status;
}

int session_load(struct tree *tree)
{
    int status = sessions_load(tree);
    return status < 0 ? status : pages_load(tree);
}

/* ---- The rows of a snapshot, before it is believed ---- */

/* 0, -EBADMSG or -ENOMEM. */
static int page_check(struct bytes bytes)
{
    struct reader r = reader_of(bytes);
    int next = 0; /* each number once, in their order */
    while (reader_left(&r) > 0) {
        struct command_result result;
        uint8_t number = reader_u8(&r);
        int status = result_decode(reader_bytes(&r), &result);
        command_result_free(&result);
        if (status < 0)
            return status;
        if (number < next || number >= PAGE_RESULTS)
            return -EBADMSG;
        next = number + 1;
    }
    return 0;
}

int session_check(struct sql *sql)
{
    sqlite3_stmt *query;
    int status = sql_prepare(sql,
                             "SELECT page, bytes, lowest FROM result r"
                             " LEFT JOIN session s ON s.node = r.node",
                             &query);
    if (status < 0)
        return status;
    while ((status = sql_step(sql, query)) > 0) {
        bool known = sqlite3_column_type(query, 2) == SQLITE_INTEGER;
        if (!known || !page_fits(column_number(query, 2), column_number(query, 0)))
            status = -EBADMSG;
        else
            status = page_check(sql_column_bytes(query, 1));
        if (status < 0)
            break;
    }
    sqlite3_finalize(query);
    return status;
}
