/* POST /txn: requests, the branch that runs, and answers. JSON is written here with ' for ". */
#include "test_http_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *json(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static void expect_txn(const char *body, const char *answer)
{
    char *b = json(body), *a = json(answer);
    expect("POST", "/txn", "", b, 200, a);
    free(b);
    free(a);
}

static void refuse_txn(const char *body, int status, const char *text)
{
    char *b = json(body), *t = json(text);
    expect_error("POST", "/txn", "", b, status, t);
    free(b);
    free(t);
}

static void assert_value(const char *key, const char *value)
{
    char path[100];
    snprintf(path, sizeof path, "/key/%s", key);
    struct response response = request("GET", path, "Accept: application/octet-stream\r\n", NULL);
    if (!value)
        assert_int_equal(response.status, 404);
    else
        assert_string_equal(response.body, value);
    response_free(&response);
}

static void then_runs_if_all_conditions_hold(void **state)
{
    expect("PUT", "/key/a", "", "1", 200, NULL); /* revision 1 */
    expect_txn("{'if':[{'key':'a','revision':1},{'key':'b','exists':false},"
               "{'key':'a','exists':true}],"
               "'then':[{'put':{'key':'c','value':'v'}},{'put':{'key':'a','value':'2'}}],"
               "'else':[{'delete':'a'}]}",
               "{'Transaction':{'succeeded':true,'revision':2,'results':["
               "{'put':{'key':'c','value':'v'}},"
               "{'put':{'key':'a','value':'2','overwritten_value':'1'}}]}}");
    assert_value("a", "2");
    assert_value("c", "v");
}

static void else_runs_if_one_does_not(void **state)
{
    static const char *const conditions[] = {
        "{'key':'a','revision':2}", "{'key':'none','revision':1}", "{'key':'a','exists':false}",
        "{'key':'none','exists':true}"};
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        char body[300], answer[300];
        harness_reset(NULL);
        expect("PUT", "/key/a", "", "1", 200, NULL);
        snprintf(body, sizeof body,
                 "{'if':[{'key':'a','exists':true},%s],'then':[{'put':{'key':'c','value':'v'}}],"
                 "'else':[{'delete':'a'},{'delete':'none'}]}",
                 conditions[i]);
        snprintf(answer, sizeof answer,
                 "{'Transaction':{'succeeded':false,'revision':2,'results':["
                 "{'delete':{'key':'a','exists':true,'overwritten_value':'1'}},"
                 "{'delete':{'key':'none','exists':false}}]}}");
        expect_txn(body, answer);
        assert_value("a", NULL);
        assert_value("c", NULL);
    }
}

static void branches_may_be_empty(void **state)
{
    expect_txn("{'if':[],'then':[]}",
               "{'Transaction':{'succeeded':true,'revision':1,'results':[]}}");
    expect_txn("{'if':[{'key':'a','exists':true}],'then':[{'delete':'b'}]}",
               "{'Transaction':{'succeeded':false,'revision':2,'results':[]}}");
    expect_txn(
        "{'if':[{'key':'a','exists':true}],'then':[],'else':[{'put':{'key':'a','value':''}}]}",
        "{'Transaction':{'succeeded':false,'revision':3,'results':["
        "{'put':{'key':'a','value':''}}]}}");
    expect_txn("{'else':[{'delete':'a'}],'then':[],'if':[{'key':'a','exists':true}]}",
               "{'Transaction':{'succeeded':true,'revision':4,'results':[]}}");
}

static void operations_come_one_after_the_other(void **state)
{
    expect_txn("{'if':[],'then':[{'put':{'key':'c','value_base64':'AP8='}},{'delete':'c'},"
               "{'delete':'c'}]}",
               "{'Transaction':{'succeeded':true,'revision':1,'results':["
               "{'put':{'key':'c','value_base64':'AP8='}},"
               "{'delete':{'key':'c','exists':true,'overwritten_value_base64':'AP8='}},"
               "{'delete':{'key':'c','exists':false}}]}}");
}

static void the_answer_has_its_revision(void **state)
{
    struct response response = request("POST", "/txn", "", "{\"if\":[],\"then\":[]}");
    assert_string_equal(response_header(&response, "ETag"), "\"1\"");
    response_free(&response);
}

static void malformed_transactions_are_refused(void **state)
{
    static const struct {
        const char *body, *text;
    } rows[] = {
        {"", "{'Transaction':{'error':'malformed JSON at byte 0'"},
        {"[]", "expected {"},
        {"{}", "the field \\'if\\' is missing"},
        {"{'if':[]}", "the field \\'then\\' is missing"},
        {"{'if':{},'then':[]}", "\\'if\\' must be a list"},
        {"{'if':[],'then':1}", "\\'then\\' must be a list"},
        {"{'if':[],'then':[],'else':null}", "\\'else\\' must be a list"},
        {"{'if':[],'then':[],'Else':[]}", "the field \\'Else\\' is unknown"},
        {"{'if':[],'then':[],'then':[]}", "the field \\'then\\' is given twice"},
        {"{'if':['a'],'then':[]}", "\\'if\\', member 1: a condition must be an object"},
        {"{'if':[{'revision':1}],'then':[]}", "needs a \\'key\\'"},
        {"{'if':[{'key':1,'revision':1}],'then':[]}", "needs a \\'key\\'"},
        {"{'if':[{'key':'a'}],'then':[]}", "needs either"},
        {"{'if':[{'key':'a','revision':1,'exists':true}],'then':[]}", "needs either"},
        {"{'if':[{'key':'a','value':'b'}],'then':[]}", "the field \\'value\\' is unknown"},
        {"{'if':[{'key':'a','exists':true},{'key':'a','exists':1}],'then':[]}",
         "\\'if\\', member 2: \\'exists\\' must be true or false"},
        {"{'if':[{'key':'a','exists':true,'exists':true}],'then':[]}", "given twice"},
        {"{'if':[{'key':'a','revision':0}],'then':[]}", "whole number, 1 or more"},
        {"{'if':[{'key':'a','revision':-1}],'then':[]}", "whole number, 1 or more"},
        {"{'if':[{'key':'a','revision':1.5}],'then':[]}", "whole number, 1 or more"},
        {"{'if':[{'key':'a','revision':1e300}],'then':[]}", "whole number, 1 or more"},
        {"{'if':[{'key':'a','revision':9007199254740993}],'then':[]}", "whole number, 1 or more"},
        {"{'if':[{'key':'a','revision':'1'}],'then':[]}", "whole number, 1 or more"},
        {"{'if':[],'then':[{}]}", "\\'then\\', member 1: an operation is"},
        {"{'if':[],'then':['a']}", "an operation is"},
        {"{'if':[],'then':[{'get':'a'}]}", "an operation is"},
        {"{'if':[],'then':[{'delete':'a','put':{'key':'a','value':''}}]}", "an operation is"},
        {"{'if':[],'then':[{'delete':{'key':'a'}}]}", "\\'delete\\' takes a key"},
        {"{'if':[],'then':[{'put':'a'}]}", "not a string"},
        {"{'if':[],'then':[{'put':{'key':'a'}}]}", "\\'value\\' is missing"},
        {"{'if':[],'then':[{'put':{'key':'a','value':'','til':1}}]}", "\\'til\\' is unknown"},
        {"{'if':[],'then':[{'put':{'key':'a','value':'','ttl':1}}]}", "\\'ttl\\' must be a string"},
        {"{'if':[],'then':[{'put':{'key':'a','value_base64':'A'}}]}", "is not base64"},
        {"{'if':[],'then':[],'else':[{'delete':'a'},{'delete':2}]}", "\\'else\\', member 2"},
        {"{'if':[{'key':'','exists':true}],'then':[]}", "is empty"},
        {"{'if':[],'then':[{'delete':'b/../c'}]}", "{'Transaction':{'key':'b/../c','error':"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refuse_txn(rows[i].body, 400, rows[i].text);
    refuse_txn("{'if':[{'key':'.quorumfs','exists':true}],'then':[]}", 403, "reserved");
    expect_error("POST", "/txn", "If-Match: *\r\n", "{\"if\":[],\"then\":[]}", 400, "If-Match");
    expect_error("GET", "/txn", "", NULL, 405, "does not have that method");
}

static char *many(size_t count)
{
    static const char condition[] = "{\"key\":\"a\",\"exists\":true},";
    size_t len = sizeof condition - 1;
    char *body = malloc(len * count + 100);
    assert_non_null(body);
    char *at = stpcpy(body, "{\"if\":[");
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, condition);
    strcpy(at - 1, "],\"then\":[]}");
    return body;
}

static void too_many_operations_are_refused(void **state)
{
    char *body = many(COMMAND_OPS_MAX);
    expect_error("POST", "/txn", "", body, 413, "at most 16383 conditions and operations");
    free(body);
    body = many(COMMAND_OPS_MAX - 1);
    expect("POST", "/txn", "", body, 200,
           "{\"Transaction\":{\"succeeded\":false,\"revision\":1,\"results\":[]}}");
    free(body);
}

static void failures_name_the_key(void **state)
{
    static const char body[] = "{'if':[{'key':'a','exists':false}],"
                               "'then':[{'put':{'key':'b','value':'1'}},{'delete':'d'}]}";
    expect("PUT", "/key/d/e", "", "1", 200, NULL);
    refuse_txn(body, 409, "{'Transaction':{'key':'d','error':'the key is a directory'");
    assert_value("b", NULL);
    fake.write_outcome = REPLICA_NO_QUORUM;
    refuse_txn(body, 503, "{'Transaction':{'error':'no quorum");
    fake.write_outcome = REPLICA_TIMEOUT;
    refuse_txn(body, 504, "the outcome is unknown");
}

#define TEST(name) cmocka_unit_test_setup(name, harness_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(then_runs_if_all_conditions_hold),
        TEST(else_runs_if_one_does_not),
        TEST(branches_may_be_empty),
        TEST(operations_come_one_after_the_other),
        TEST(the_answer_has_its_revision),
        TEST(malformed_transactions_are_refused),
        TEST(too_many_operations_are_refused),
        TEST(failures_name_the_key),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
