// A peer that connects while it is dialled in vain is dialled again after seconds.
// killers: test_peer
@@
@@
dial_now(...)
{
<...
- link->called = !link->out_up;
+ ;
...>
}
