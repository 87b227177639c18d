#include "content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 4096 };

struct content_page {
    uint32_t refs;
    uint8_t bytes[PAGE_BYTES];
};

static void *must(void *memory)
{
    if (memory)
        return memory;
    fprintf(stderr, "out of memory\n");
    abort();
}

void *must_alloc(size_t bytes)
{
    return must(calloc(1, bytes));
}

void *must_grow(void *array, size_t count, size_t *cap, size_t item_bytes)
{
    if (count < *cap)
        return array;
    *cap = *cap ? 2 * *cap : 16;
    return must(realloc(array, *cap * item_bytes));
}

static void release(struct content_page *page)
{
    if (page && --page->refs == 0)
        free(page);
}

void content_free(struct content *c)
{
    for (size_t i = 0; i < c->page_count; i++)
        release(c->pages[i]);
    free(c->pages);
    *c = (struct content){0};
}

struct content content_copy(const struct content *c)
{
    struct content copy = *c;
    copy.pages = c->page_count ? must(malloc(c->page_count * sizeof *copy.pages)) : NULL;
    for (size_t i = 0; i < c->page_count; i++) {
        copy.pages[i] = c->pages[i];
        if (copy.pages[i])
            copy.pages[i]->refs++;
    }
    return copy;
}

static void make_pages(struct content *c, size_t count)
{
    if (count <= c->page_count)
        return;
    c->pages = must(realloc(c->pages, count * sizeof *c->pages));
    memset(c->pages + c->page_count, 0, (count - c->page_count) * sizeof *c->pages);
    c->page_count = count;
}

/* The page for writing, this content's own. */
static uint8_t *own_page(struct content *c, size_t number)
{
    struct content_page *page = c->pages[number];
    if (!page || page->refs > 1) {
        struct content_page *own = must_alloc(sizeof *own);
        if (page)
            memcpy(own->bytes, page->bytes, PAGE_BYTES);
        release(page);
        own->refs = 1;
        c->pages[number] = own;
    }
    return c->pages[number]->bytes;
}

static void write_in_page(struct content *c, uint64_t offset, const uint8_t *data, size_t len)
{
    size_t number = (size_t)(offset / PAGE_BYTES), at = offset % PAGE_BYTES;
    if (data)
        memcpy(own_page(c, number) + at, data, len);
    else if (c->pages[number])
        memset(own_page(c, number) + at, 0, len);
}

void content_write(struct content *c, uint64_t offset, const uint8_t *data, size_t len)
{
    uint64_t end = offset + len;
    make_pages(c, (size_t)((end + PAGE_BYTES - 1) / PAGE_BYTES));
    while (offset < end) {
        size_t piece = PAGE_BYTES - offset % PAGE_BYTES;
        if (piece > end - offset)
            piece = (size_t)(end - offset);
        write_in_page(c, offset, data, piece);
        offset += piece;
        data = data ? data + piece : NULL;
    }
    if (c->size < end)
        c->size = end;
}

void content_truncate(struct content *c, uint64_t size)
{
    size_t keep = (size_t)((size + PAGE_BYTES - 1) / PAGE_BYTES);
    for (size_t i = keep; i < c->page_count; i++) {
        release(c->pages[i]);
        c->pages[i] = NULL;
    }
    if (size < c->size && size % PAGE_BYTES != 0 && c->pages[keep - 1])
        memset(own_page(c, keep - 1) + size % PAGE_BYTES, 0, PAGE_BYTES - size % PAGE_BYTES);
    make_pages(c, keep);
    c->size = size;
}

size_t content_read(const struct content *c, uint64_t offset, uint8_t *to, size_t len)
{
    size_t there = offset < c->size ? (size_t)(c->size - offset) : 0;
    size_t done = 0;
    if (there > len)
        there = len;
    while (done < there) {
        const struct content_page *page = c->pages[(offset + done) / PAGE_BYTES];
        size_t at = (offset + done) % PAGE_BYTES, piece = PAGE_BYTES - at;
        if (piece > there - done)
            piece = there - done;
        if (page)
            memcpy(to + done, page->bytes + at, piece);
        else
            memset(to + done, 0, piece);
        done += piece;
    }
    memset(to + there, 0, len - there);
    return there;
}
