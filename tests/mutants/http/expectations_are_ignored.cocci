// Expectations that nobody knows are ignored.
// killers: test_http_meaning
@@
@@
http_admit(...)
{
<...
- !has_only(head, "Expect", "100-continue")
+ false
...>
}
