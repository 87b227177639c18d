// Connections of HTTP/1.0 go on unasked.
// killers: test_http_strict
@@
@@
http_head_parse(...)
{
<...
- (head->is_1_0 ? asks : true)
+ true
...>
}
