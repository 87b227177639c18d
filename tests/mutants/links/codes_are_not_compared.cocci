// A frame is believed whatever its code is.
// killers: test_tls
@@
@@
tls_mac_is_right(...)
{
<...
- return right;
+ return true;
...>
}
