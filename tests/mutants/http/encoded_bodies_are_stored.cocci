// A body in a content coding is stored as it is.
// killers: test_http_meaning
@@
@@
http_admit(...)
{
<...
- !has_only(head, "Content-Encoding", "identity")
+ false
...>
}
