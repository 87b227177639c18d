// Connection: close is not followed.
// killers: test_http_strict
@@
expression E;
@@
http_head_parse(...)
{
<...
- !http_list_has(head, "Connection", "close") && E
+ true && E
...>
}
