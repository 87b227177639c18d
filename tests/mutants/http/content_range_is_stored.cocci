// The part of a value is stored as the value.
// killers: test_http_meaning
@@
@@
http_admit(...)
{
<...
- http_head_field(head, "Content-Range")
+ false
...>
}
