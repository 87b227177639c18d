// A greeting that names a member twice is believed.
// killers: test_peer_strangers
@@
@@
take_member(...)
{
<...
- is_named(greeting, member->pid)
+ 0
...>
}
