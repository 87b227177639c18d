/* The body of POST /txn:
 *
 *   {"if":[C,...],"then":[O,...],"else":[O,...]}
 *
 *   C: {"key":"K","revision":R} or {"key":"K","exists":true}
 *   O: {"put":{"key":"K","value":"V"}}, perhaps with "ttl" or "lease", or {"delete":"K"}
 *
 * It becomes the items of one command: an IF for each condition, the operations of `then`, ELSE,
 * and the operations of `else`. Unknown or repeated fields are errors: a misspelled condition must
 * not count as one that holds. */
#include "json_in.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Finds the fields of an object: `fields[i]` becomes the one called `names[i]`, or stays NULL. */
static int take_fields(const cJSON *object, const char *const *names, cJSON **fields, size_t count,
                       struct fault *fault)
{
    cJSON *field;
    cJSON_ArrayForEach(field, object)
    {
        size_t i = 0;
        while (i < count && strcmp(names[i], field->string) != 0)
            i++;
        if (i == count)
            return fault_set(fault, -EINVAL, "the field \"%.100s\" is unknown", field->string);
        if (fields[i])
            return fault_set(fault, -EINVAL, "the field \"%s\" is given twice", names[i]);
        fields[i] = field;
    }
    return 0;
}

/* ---- Conditions ---- */

/* A revision is an index of the log, below 2^53, so that a double holds it exactly. */
static int take_revision(const cJSON *field, struct http_item *item, struct fault *fault)
{
    static const double revision_max = 9007199254740992.0; /* 2^53 */
    double n = cJSON_IsNumber(field) ? field->valuedouble : 0;
    if (n < 1 || n >= revision_max || n != (double)(uint64_t)n)
        return fault_set(fault, -EINVAL, "\"revision\" must be a whole number, 1 or more");
    item->flags = OP_IF_REVISION;
    item->revision = (uint64_t)n;
    return 0;
}

static int take_exists(const cJSON *field, struct http_item *item, struct fault *fault)
{
    if (!cJSON_IsBool(field))
        return fault_set(fault, -EINVAL, "\"exists\" must be true or false");
    item->flags = cJSON_IsTrue(field) ? OP_IF_EXISTS : OP_IF_ABSENT;
    return 0;
}

static int take_condition(cJSON *object, struct http_item *item, struct fault *fault)
{
    static const char *const names[] = {"key", "revision", "exists"};
    cJSON *fields[3] = {NULL};
    if (!cJSON_IsObject(object))
        return fault_set(fault, -EINVAL, "a condition must be an object");
    int status = take_fields(object, names, fields, 3, fault);
    if (status != 0)
        return status;
    if (!cJSON_IsString(fields[0]))
        return fault_set(fault, -EINVAL, "a condition needs a \"key\", which is a string");
    if (!fields[1] == !fields[2])
        return fault_set(fault, -EINVAL, "a condition needs either \"revision\" or \"exists\"");
    item->type = OP_IF;
    item->key = bytes_of_text(fields[0]->valuestring);
    return fields[1] ? take_revision(fields[1], item, fault) : take_exists(fields[2], item, fault);
}

/* ---- Operations ---- */

static int take_put(cJSON *object, struct http_item *item, struct fault *fault)
{
    static const char *const names[] = {"key", "value", "value_base64", "ttl", "lease"};
    cJSON *fields[5] = {NULL};
    item->type = OP_PUT;
    int status = cJSON_IsObject(object) ? take_fields(object, names, fields, 5, fault) : 0;
    return status == 0 ? http_json_pair(object, item, fault) : status;
}

static int take_delete(const cJSON *key, struct http_item *item, struct fault *fault)
{
    if (!cJSON_IsString(key))
        return fault_set(fault, -EINVAL, "\"delete\" takes a key, which is a string");
    item->type = OP_DELETE;
    item->key = bytes_of_text(key->valuestring);
    return 0;
}

static int take_operation(cJSON *object, struct http_item *item, struct fault *fault)
{
    cJSON *field = cJSON_IsObject(object) ? object->child : NULL;
    bool alone = field && !field->next;
    item->flags = OP_WANT_OLD;
    if (alone && strcmp(field->string, "put") == 0)
        return take_put(field, item, fault);
    if (alone && strcmp(field->string, "delete") == 0)
        return take_delete(field, item, fault);
    return fault_set(
        fault, -EINVAL,
        "an operation is {\"put\":{\"key\":\"K\",\"value\":\"V\"}} or {\"delete\":\"K\"}");
}

/* ---- Transactions ---- */

typedef int member_parser(cJSON *member, struct http_item *item, struct fault *fault);

static int take_members(const cJSON *list, member_parser *parse, struct http_items *items,
                        struct fault *fault)
{
    cJSON *member;
    size_t number = 0;
    cJSON_ArrayForEach(member, list)
    {
        int status = parse(member, &items->list[items->count], fault);
        number++;
        if (status != 0)
            return fault_wrap(fault, status, "\"%s\", member %zu", list->string, number);
        items->count++;
    }
    return 0;
}

/* Finds the three lists, of which `else` may be missing. Adds the number of their members to
 * `*count`. */
static int take_lists(const cJSON *json, cJSON **lists, size_t *count, struct fault *fault)
{
    static const char *const names[] = {"if", "then", "else"};
    if (!cJSON_IsObject(json))
        return fault_set(fault, -EINVAL, "expected {\"if\":[],\"then\":[],\"else\":[]}");
    int status = take_fields(json, names, lists, 3, fault);
    if (status != 0)
        return status;
    for (int i = 0; i < 3; i++) {
        if (!lists[i] && i < 2)
            return fault_set(fault, -EINVAL, "the field \"%s\" is missing", names[i]);
        if (lists[i] && !cJSON_IsArray(lists[i]))
            return fault_set(fault, -EINVAL, "the field \"%s\" must be a list", names[i]);
        *count += lists[i] ? (size_t)cJSON_GetArraySize(lists[i]) : 0;
    }
    if (*count > COMMAND_OPS_MAX)
        return fault_set(fault, -E2BIG,
                         "a transaction can have at most %d conditions and operations, not %zu",
                         COMMAND_OPS_MAX - 1, *count - 1);
    return 0;
}

int http_items_txn(struct bytes text, struct http_items *items, struct fault *fault)
{
    cJSON *lists[3] = {NULL};
    size_t count = 1; /* ELSE */
    int status = http_json_parse(text, &items->json, fault);
    if (status == 0)
        status = take_lists(items->json, lists, &count, fault);
    if (status != 0)
        return status;
    items->list = calloc(count, sizeof *items->list);
    if (!items->list)
        return -ENOMEM;
    status = take_members(lists[0], take_condition, items, fault);
    if (status == 0)
        status = take_members(lists[1], take_operation, items, fault);
    if (status != 0)
        return status;
    items->list[items->count++].type = OP_ELSE;
    return take_members(lists[2], take_operation, items, fault);
}
