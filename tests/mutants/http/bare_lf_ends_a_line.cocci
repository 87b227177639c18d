// A line may end with LF alone.
// killers: test_http_strict
@@
@@
http_head_find(...)
{
<...
- data[i] == '\n' && i > 0 && data[i - 1] == '\r'
+ data[i] == '\n'
...>
}
