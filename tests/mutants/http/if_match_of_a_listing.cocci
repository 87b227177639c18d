// If-Match is ignored where there are no entity tags.
// killers: test_http_meaning
@@
expression E;
@@
http_admit(...)
{
<...
- match && E
+ false && E
...>
}
