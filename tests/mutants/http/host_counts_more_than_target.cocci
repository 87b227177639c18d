// Host counts instead of the host of an absolute target.
// killers: test_http_meaning
@@
@@
take_host(...)
{
<...
- !head->host.data
+ true
...>
}
