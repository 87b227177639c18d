#include "json_in.h"

#include "lifetime.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void http_items_free(struct http_items *items)
{
    free(items->list);
    cJSON_Delete(items->json);
    *items = (struct http_items){0};
}

/* Checked before a text is parsed: each value takes memory, and a parsed string would end at a NUL.
 */
struct outline {
    size_t nodes; /* an upper bound of the number of values */
    bool has_nul; /* a string holds the escape \u0000, or the text a NUL byte */
};

static struct outline look_through(struct bytes text)
{
    struct outline outline = {.nodes = 1};
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        outline.has_nul |= c == 0;
        if (c == '"') {
            in_string = !in_string;
        } else if (in_string && c == '\\') {
            outline.has_nul |= text.len - i >= 6 && memcmp(text.data + i, "\\u0000", 6) == 0;
            i++; /* an escaped quote ends no string */
        } else if (!in_string && (c == ',' || c == '[' || c == '{')) {
            outline.nodes++;
        }
    }
    return outline;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int http_json_parse(struct bytes text, cJSON **json, struct fault *fault)
{
    *json = NULL;
    struct outline outline = look_through(text);
    if (outline.nodes > HTTP_JSON_NODES_MAX)
        return fault_set(fault, -E2BIG, "the JSON has more than %d values", HTTP_JSON_NODES_MAX);
    if (outline.has_nul)
        return fault_set(
            fault, -EINVAL,
            "the JSON holds a NUL byte or \\u0000: give such a value as \"value_base64\"");
    if (!http_text_is_utf8(text))
        return fault_set(fault, -EINVAL,
                         "the JSON is not UTF-8: give such a value as \"value_base64\"");
    const char *end = NULL;
    cJSON *parsed = cJSON_ParseWithLengthOpts((const char *)text.data, text.len, &end, false);
    const uint8_t *rest = end ? (const uint8_t *)end : text.data;
    while (parsed && rest < text.data + text.len && is_space(*rest))
        rest++;
    if (!parsed || rest != text.data + text.len) {
        cJSON_Delete(parsed);
        return fault_set(fault, -EINVAL, "malformed JSON at byte %zu", (size_t)(rest - text.data));
    }
    *json = parsed;
    return 0;
}

size_t http_json_bytes(const cJSON *json)
{
    enum { ALLOCATED_BYTES_MIN = 32 }; /* for a string, and for what malloc adds */
    size_t bytes = 0;
    for (; json; json = json->next)
        bytes += sizeof *json + sizeof(struct http_item) + 3 * (size_t)ALLOCATED_BYTES_MIN +
                 http_json_bytes(json->child);
    return bytes;
}

static const char *type_name(const cJSON *json)
{
    if (cJSON_IsNumber(json))
        return "a number";
    if (cJSON_IsBool(json))
        return "true or false";
    if (cJSON_IsNull(json))
        return "null";
    if (cJSON_IsArray(json))
        return "a list";
    return cJSON_IsObject(json) ? "an object" : "a string";
}

/* Finds a string field, which may be given once. `*found` stays NULL if it is missing. */
static int take_string(cJSON *object, const char *name, cJSON **found, struct fault *fault)
{
    cJSON *field;
    cJSON_ArrayForEach(field, object)
    {
        if (strcmp(field->string, name) != 0)
            continue;
        if (*found)
            return fault_set(fault, -EINVAL, "the field \"%s\" is given twice", name);
        if (!cJSON_IsString(field))
            return fault_set(fault, -EINVAL, "the field \"%s\" must be a string, not %s", name,
                             type_name(field));
        *found = field;
    }
    return 0;
}

static int decode_value(cJSON *encoded, struct http_item *item, struct fault *fault)
{
    size_t len;
    char *text = encoded->valuestring;
    if (http_base64_decode(text, strlen(text), &len) != 0)
        return fault_set(fault, -EINVAL, "the field \"value_base64\" is not base64");
    item->value = bytes_of(text, len);
    return 0;
}

static int take_lifetime(cJSON *object, struct http_item *item, struct fault *fault)
{
    cJSON *ttl = NULL, *lease = NULL;
    int status = take_string(object, "ttl", &ttl, fault);
    if (status == 0)
        status = take_string(object, "lease", &lease, fault);
    if (status != 0)
        return status;
    struct bytes none = {0};
    return http_lifetime_read(ttl ? bytes_of_text(ttl->valuestring) : none,
                              lease ? bytes_of_text(lease->valuestring) : none, &item->ttl,
                              &item->lease, fault);
}

int http_json_pair(cJSON *object, struct http_item *item, struct fault *fault)
{
    if (!cJSON_IsObject(object))
        return fault_set(fault, -EINVAL, "expected {\"key\":\"K\",\"value\":\"V\"}, not %s",
                         type_name(object));
    cJSON *key = NULL, *value = NULL, *encoded = NULL;
    int status = take_string(object, "key", &key, fault);
    if (status == 0)
        status = take_string(object, "value", &value, fault);
    if (status == 0)
        status = take_string(object, "value_base64", &encoded, fault);
    if (status != 0)
        return status;
    if (!key)
        return fault_set(fault, -EINVAL, "the field \"key\" is missing");
    if (!value == !encoded)
        return fault_set(fault, -EINVAL,
                         value ? "give only one of \"value\" and \"value_base64\""
                               : "the field \"value\" is missing");
    item->key = bytes_of_text(key->valuestring);
    status = take_lifetime(object, item, fault);
    if (status != 0)
        return status;
    if (encoded)
        return decode_value(encoded, item, fault);
    item->value = bytes_of_text(value->valuestring);
    return 0;
}

static int items_begin(struct bytes text, bool list, struct http_items *items, struct fault *fault)
{
    int status = http_json_parse(text, &items->json, fault);
    if (status != 0)
        return status;
    if (list && !cJSON_IsArray(items->json))
        return fault_set(fault, -EINVAL, "expected a list, not %s", type_name(items->json));
    size_t count = list ? (size_t)cJSON_GetArraySize(items->json) : 1;
    if (count == 0)
        return fault_set(fault, -EINVAL, "the list is empty");
    if (count > COMMAND_OPS_MAX)
        return fault_set(fault, -E2BIG, "a list can have at most %d members, not %zu",
                         COMMAND_OPS_MAX, count);
    items->list = calloc(count, sizeof *items->list);
    return items->list ? 0 : -ENOMEM;
}

static int compare_keys(const void *a, const void *b)
{
    const struct bytes *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static int refuse_repeated(const struct http_items *items, struct fault *fault)
{
    struct bytes *keys = calloc(items->count, sizeof *keys);
    if (!keys)
        return -ENOMEM;
    for (size_t i = 0; i < items->count; i++)
        keys[i] = items->list[i].key;
    qsort(keys, items->count, sizeof *keys, compare_keys);
    int status = 0;
    for (size_t i = 1; i < items->count && status == 0; i++)
        if (bytes_equal(keys[i - 1], keys[i]))
            status = fault_set(fault, -EINVAL, "the key \"%.*s\" is given twice",
                               (int)(keys[i].len < 200 ? keys[i].len : 200), keys[i].data);
    free(keys);
    return status;
}

int http_items_pair(struct bytes text, struct http_items *items, struct fault *fault)
{
    int status = items_begin(text, false, items, fault);
    if (status != 0)
        return status;
    items->count = 1;
    return http_json_pair(items->json, items->list, fault);
}

int http_items_pairs(struct bytes text, struct http_items *items, struct fault *fault)
{
    int status = items_begin(text, true, items, fault);
    if (status != 0)
        return status;
    cJSON *member;
    cJSON_ArrayForEach(member, items->json)
    {
        status = http_json_pair(member, &items->list[items->count], fault);
        if (status != 0)
            return fault_wrap(fault, status, "member %zu", items->count + 1);
        items->count++;
    }
    return refuse_repeated(items, fault);
}

int http_items_keys(struct bytes text, struct http_items *items, struct fault *fault)
{
    int status = items_begin(text, true, items, fault);
    if (status != 0)
        return status;
    cJSON *member;
    cJSON_ArrayForEach(member, items->json)
    {
        if (!cJSON_IsString(member))
            return fault_set(fault, -EINVAL, "member %zu must be a key (a string), not %s",
                             items->count + 1, type_name(member));
        items->list[items->count++].key = bytes_of_text(member->valuestring);
    }
    return 0;
}

int http_items_distinct_keys(struct bytes text, struct http_items *items, struct fault *fault)
{
    int status = http_items_keys(text, items, fault);
    return status == 0 ? refuse_repeated(items, fault) : status;
}
