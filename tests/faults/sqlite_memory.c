#include "sqlite_memory.h"

#include <assert.h>
#include <sqlite3.h>
#include <stddef.h>

static sqlite3_mem_methods usual;
static uint64_t fail_at, seen;
static bool fail_stays, failed;

static bool sqlite_memory_fails(void)
{
    seen++;
    if (seen != fail_at && !(failed && fail_stays))
        return false;
    failed = true;
    return true;
}

static void *allocate(int bytes)
{
    return sqlite_memory_fails() ? NULL : usual.xMalloc(bytes);
}

static void *reallocate(void *memory, int bytes)
{
    return sqlite_memory_fails() ? NULL : usual.xRealloc(memory, bytes);
}

void sqlite_memory_register(void)
{
    int code = sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual);
    assert(code == SQLITE_OK);
    sqlite3_mem_methods failing = usual;
    failing.xMalloc = allocate;
    failing.xRealloc = reallocate;
    code = sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
    assert(code == SQLITE_OK);
}

void sqlite_memory_fail(uint64_t at, bool stays)
{
    fail_at = at;
    fail_stays = stays;
    seen = 0;
    failed = false;
}

bool sqlite_memory_failed(void)
{
    return failed;
}

uint64_t sqlite_memory_count(void)
{
    return seen;
}
