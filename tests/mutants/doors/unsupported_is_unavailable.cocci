// HTTP answers a request that some member does not support as one that may be tried again.
// killers: test_http
@@
@@
status_of_outcome(...)
{
<...
- return HTTP_NOT_IMPLEMENTED;
+ return HTTP_SERVICE_UNAVAILABLE;
...>
}
