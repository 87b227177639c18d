#include "alloc.h"

#include <assert.h>

static uint64_t fail_at, seen;
static bool fail_stays, failed, counting;

void alloc_fail(uint64_t at, bool stays)
{
    fail_at = at;
    fail_stays = stays;
    seen = 0;
    failed = false;
}

bool alloc_failed(void)
{
    return failed;
}

uint64_t alloc_count(void)
{
    return seen;
}

void alloc_begin(void)
{
    assert(!counting);
    counting = true;
}

void alloc_end(void)
{
    assert(counting);
    counting = false;
}

static bool alloc_fails(void)
{
    if (!counting)
        return false;
    seen++;
    if (seen != fail_at && !(failed && fail_stays))
        return false;
    failed = true;
    return true;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes)
{
    return alloc_fails() ? NULL : __real_malloc(bytes);
}

void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes)
{
    return alloc_fails() ? NULL : __real_calloc(count, bytes);
}

void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes)
{
    return alloc_fails() ? NULL : __real_realloc(memory, bytes);
}

void *alloc_malloc(size_t bytes)
{
    return __wrap_malloc(bytes);
}
