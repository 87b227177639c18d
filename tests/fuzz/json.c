/* Bodies of requests: JSON with keys and values. */
#include "fuzz.h"

#include "http/json_in.h"
#include "http/text.h"

#include <errno.h>
#include <string.h>

static http_items_parser *const parsers[] = {http_items_pair, http_items_pairs, http_items_keys,
                                             http_items_distinct_keys};

static void check_items(const struct http_items *items, bool distinct)
{
    assert(items->count >= 1 && items->count <= COMMAND_OPS_MAX);
    for (size_t i = 0; i < items->count; i++) {
        const struct http_item *item = &items->list[i];
        assert(item->key.data && http_text_is_plain(item->key));
        for (size_t j = 0; distinct && j < i && i < 100; j++)
            assert(!bytes_equal(item->key, items->list[j].key));
    }
}

/* The conditions, the branches with one ELSE between them. */
static void check_txn(struct bytes text)
{
    struct http_items items = {0};
    struct fault fault = {""};
    uint32_t elses = 0;
    int status = http_items_txn(text, &items, &fault);
    assert(status == 0 || ((status == -EINVAL || status == -E2BIG) && fault.text[0]));
    for (size_t i = 0; status == 0 && i < items.count; i++) {
        const struct http_item *item = &items.list[i];
        bool condition = item->type == OP_IF;
        elses += item->type == OP_ELSE;
        assert(item->type == OP_ELSE || http_text_is_plain(item->key));
        assert(!condition || items.list[i ? i - 1 : 0].type == OP_IF);
        assert(condition == ((item->flags & (OP_IF_ABSENT | OP_IF_EXISTS | OP_IF_REVISION)) != 0));
        assert((item->flags == OP_IF_REVISION) == (item->revision != 0));
        assert(item->type != OP_PUT || item->value.data);
    }
    assert(status != 0 || (elses == 1 && items.count <= COMMAND_OPS_MAX));
    http_items_free(&items);
}

static void check_json(struct bytes text)
{
    cJSON *json;
    struct fault fault = {""};
    int status = http_json_parse(text, &json, &fault);
    assert((status != 0) == !json);
    assert(status == 0 || fault.text[0]);
    cJSON_Delete(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source s = source_of(data, size);
    const uint32_t lists = sizeof parsers / sizeof *parsers;
    uint32_t which = source_below(&s, lists + 2);
    struct bytes text = guard_bytes(s.left);
    if (which >= lists) {
        (which == lists ? check_json : check_txn)(text);
        return 0;
    }
    struct http_items items = {0};
    struct fault fault = {""};
    int status = parsers[which](text, &items, &fault);
    assert(status == 0 || status == -EINVAL || status == -E2BIG);
    if (status == 0)
        check_items(&items, parsers[which] != http_items_keys);
    else
        assert(fault.text[0]);
    http_items_free(&items);
    return 0;
}
