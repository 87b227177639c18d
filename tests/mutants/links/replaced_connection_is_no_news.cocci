// A newer connection replaces an older one without the link going down and up: what was lost in it
// is not repaired.
// killers: test_peer_strangers
@@
@@
on_established(...)
{
<...
- forget_in(link);
+ link->in = NULL;
...>
}
